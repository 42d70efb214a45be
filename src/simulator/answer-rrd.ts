import { ApiError, allowParameters, type AnswerContext } from './answer.js';
import { requireVm } from './answer-guests.js';
import type { GuestLife } from './life.js';
import type { Machine } from './machine.js';
import { hashOf } from './random.js';
import type { GuestType } from './scenario.js';

/** Seconds of one row, and how many rows an answer has. */
type Frame = readonly [stepS: number, count: number];

const oldFrames: Readonly<Record<string, Frame>> = {
  hour: [60, 70],
  day: [1800, 70],
  week: [10_800, 70],
  month: [43_200, 70],
  year: [604_800, 70],
};

const frames9: Readonly<Record<string, Frame>> = {
  hour: [60, 60],
  day: [60, 1440],
  week: [1800, 336],
  month: [21_600, 121],
  year: [21_600, 1140],
  decade: [604_800, 570],
};

const minuteS = 60;
/** Two values further apart than this say nothing of the time between. */
const heartbeatS = 120;
const roundMs = 10_000;
/** pvestatd stamps a round before it looks. */
const lookMs = 300;

/** A value that pvestatd wrote: of a guest that is off it knows the sizes, but neither cpu nor mem. */
interface Written {
  stampS: number;
  isRunning: boolean;
}

/** Of how many of a minute's seconds a value is known. */
interface Known {
  reportedS: number;
  runningS: number;
}

/** GET .../rrddata: a row is named by the end of its time, on the node's clock; what is not known is left out (proxmox-api.md 10). */
export function rrdData(context: AnswerContext, machine: Machine, type: GuestType, vmid: number): unknown[] {
  allowParameters(context.query, ['timeframe', 'cf']);
  requireVm(context, machine, type, vmid, 'VM.Audit');
  const frame = (machine.version === '9.2' ? frames9 : oldFrames)[context.query['timeframe'] ?? ''];
  if (frame === undefined)
    throw new ApiError(400, 'Parameter verification failed.', {
      timeframe: 'property is missing and it is not optional',
    });
  const [stepS, count] = frame;
  const lastS = Math.floor(machine.clock.wallS(context.at) / stepS) * stepS;
  const minutes = minutesOf(writtenSince(context, machine, vmid, (stepS * (count + 1) + heartbeatS) * 1000));
  return Array.from({ length: count }, (_, index) => {
    const time = lastS - (count - 1 - index) * stepS;
    return rowOf(time, stepS, minutes);
  });
}

/** A row is known where at least half of its minutes are, and a minute where half of its seconds are. */
function rowOf(time: number, stepS: number, minutes: ReadonlyMap<number, Known>): Record<string, number> {
  let reported = 0;
  let running = 0;
  for (let endS = time - stepS + minuteS; endS <= time; endS += minuteS) {
    const known = minutes.get(endS);
    if (known === undefined) continue;
    if (known.reportedS * 2 >= minuteS) reported += 1;
    if (known.runningS * 2 >= minuteS) running += 1;
  }
  const half = stepS / minuteS / 2;
  return {
    time,
    ...(reported >= half ? { maxcpu: 2, maxmem: 2147483648, maxdisk: 34359738368, disk: 0 } : {}),
    ...(running >= half ? { cpu: 0.05, mem: 1073741824, netin: 1500, netout: 400, diskread: 900, diskwrite: 700 } : {}),
  };
}

/** What is known of each whole minute, by its end; a value holds from the one before it. */
function minutesOf(written: readonly Written[]): Map<number, Known> {
  const minutes = new Map<number, Known>();
  let last: Written | null = null;
  for (const value of written) {
    // A clock that was set back: values of a time that is written already are refused.
    if (last !== null && value.stampS <= last.stampS) continue;
    if (last !== null && value.stampS - last.stampS <= heartbeatS) spread(minutes, last.stampS, value);
    last = value;
  }
  // The minute under way is not written yet.
  if (last !== null) minutes.delete(endOfMinute(last.stampS));
  return minutes;
}

function spread(minutes: Map<number, Known>, fromS: number, value: Written): void {
  for (let atS = fromS; atS < value.stampS;) {
    const endS = endOfMinute(atS);
    const partS = Math.min(endS, value.stampS) - atS;
    const { reportedS, runningS } = minutes.get(endS) ?? { reportedS: 0, runningS: 0 };
    minutes.set(endS, {
      reportedS: reportedS + partS,
      runningS: runningS + (value.isRunning ? partS : 0),
    });
    atS = endS;
  }
}

function endOfMinute(stampS: number): number {
  return (Math.floor(stampS / minuteS) + 1) * minuteS;
}

/** What the rounds of pvestatd wrote of the guest in the last `forMs`, by the clock of the node that it was on. */
function writtenSince(context: AnswerContext, machine: Machine, vmid: number, forMs: number): Written[] {
  const { engine, at } = context;
  const lives = engine.lives.get(machine.cluster)?.get(vmid) ?? [];
  const first = Math.max(at - forMs, lives[0]?.createdAt ?? at);
  const written: Written[] = [];
  for (let round = machine.nextBroadcastAt(first); round + lookMs <= at; round += roundMs) {
    const life = lives.find((one) => existsAt(one, round));
    const state = life?.states.at(round + lookMs);
    if (state === undefined) continue;
    // Each member keeps what all broadcast while it is up itself.
    const owner = state.machine;
    if (!owner.isUpAt(round) || !machine.isUpAt(round) || isHanging(engine.scenario.seed, owner, round)) continue;
    written.push({ stampS: owner.clock.wallS(round), isRunning: state.process !== null });
  }
  return written;
}

function existsAt(life: GuestLife, at: number): boolean {
  return life.createdAt <= at && (life.destroyedAt === null || life.destroyedAt > at);
}

/** Now and then a storage hangs, and pvestatd with it, for up to two minutes. */
function isHanging(seed: number, machine: Machine, at: number): boolean {
  const spanMs = 600_000;
  const from = Math.floor(at / spanMs) * spanMs;
  const dice = hashOf(seed, machine.name, from, 'hangs');
  if (dice % 8 !== 0) return false;
  const beginsAt = from + (Math.floor(dice / 8) % 400) * 1000;
  return at >= beginsAt && at < beginsAt + 20_000 + (Math.floor(dice / 3200) % 90) * 1000;
}
