import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { audit, type AuditReport, type BoundaryError, type LedgerSession } from '../src/simulator/auditor.js';
import { seededRandom } from '../src/simulator/random.js';
import { randomScenario } from '../src/simulator/random-scenario.js';
import type { Scenario } from '../src/simulator/scenario.js';
import { downBlocks } from '../test/fuzz/families.js';
import { ledgerOf, runScenario, type WorldOptions } from '../test/fuzz/run-world.js';
import { meteredTime, type MeteredTime } from './metered-time.js';
import { PlainPoller } from './plain-poller.js';

/** The fixed mix: a month in all by twelve worlds, of every kind of event, one end in five without a task. */
const DAYS = 2.5;
const MIX: WorldOptions = { days: DAYS, nodes: 3, guests: 6 };
const FIRST_POLL_MS = 60_000;
const SETTLE_MS = 20 * 60_000;
/** Of the ends without a task that the generator throws, the share that stays so: one end in five is left. */
const UNLOGGED_KEPT = 0.6;

interface Meter {
  time: MeteredTime;
  report: AuditReport;
}

interface Run {
  ledger: Meter;
  poller: Meter;
  unloggedShare: number;
}

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    worlds: { type: 'string', default: '12' },
    write: { type: 'boolean' },
  },
});
const seed = Number(values.seed);
const worldCount = Number(values.worlds);
const lines: string[] = [];
const say = (line = ''): void => void lines.push(line);

/** A world of the mix; some of its sudden ends become orderly ones. */
function worldOf(index: number, lateShare: number): Scenario {
  const scenario = randomScenario(seed * 1000 + index, { ...MIX, lateShare });
  const random = seededRandom(seed * 77 + index);
  const events = scenario.events.map((event) =>
    (event.kind === 'poweroff' || event.kind === 'crash') && !random.chance(UNLOGGED_KEPT)
      ? { ...event, kind: 'shutdown' as const, takesMs: random.between(1500, 20_000) }
      : event,
  );
  return { ...scenario, events };
}

async function runMix(lateShare: number, isDown: boolean): Promise<Run> {
  const meters = [emptyMeter(), emptyMeter()] as const;
  let endCount = 0;
  let unloggedCount = 0;
  for (let index = 0; index < worldCount; index += 1) {
    const scenario = worldOf(index, lateShare);
    const poller = new PlainPoller();
    const run = await runScenario(scenario, {
      days: DAYS,
      onPoll: (cluster, observation) => poller.take(cluster, observation),
      ...(isDown ? { down: (one: Scenario) => downBlocks(one, DAYS, 0.1) } : {}),
    });
    const from = scenario.beganAt + FIRST_POLL_MS;
    const to = scenario.beganAt + DAYS * 86_400_000 + SETTLE_MS;
    const truths = run.world.truth(to).filter((truth) => (truth.endedAt ?? to) > from);
    const ends = truths.filter((truth) => truth.endedAt !== null);
    endCount += ends.length;
    unloggedCount += ends.filter(({ endedHow }) => /poweroff|crash|guest_reboot|host/.test(String(endedHow))).length;
    const add = (meter: Meter, sessions: LedgerSession[], report: AuditReport): void => {
      const time = meteredTime(truths, sessions, from, to);
      meter.time.wrongMs += time.wrongMs;
      meter.time.trueMs += time.trueMs;
      for (const key of Object.keys(report) as (keyof AuditReport)[])
        meter.report[key].push(...(report[key] as never[]));
    };
    add(meters[0], ledgerOf(run.managers), run.report);
    add(meters[1], poller.sessions, audit(truths, poller.sessions, to));
  }
  return { ledger: meters[0], poller: meters[1], unloggedShare: unloggedCount / endCount };
}

function emptyMeter(): Meter {
  return {
    time: { wrongMs: 0, trueMs: 0 },
    report: { missing: [], extra: [], merged: [], split: [], outOfBounds: [], boundaryErrors: [] },
  };
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

function sayMeter(name: string, { time, report }: Meter, against: Meter | null): void {
  const { missing, extra, merged, split } = report;
  const ratio = against === null ? '' : `${(against.time.wrongMs / time.wrongMs).toFixed(1)} x`;
  const ppm = Math.round((time.wrongMs / time.trueMs) * 1e6);
  const counts = [missing, extra, merged, split].map((list) => list.length).join(' | ');
  say(`| ${name} | ${counts} | ${Math.round(time.wrongMs / 1000)} | ${ppm} | ${ratio} |`);
}

/** Starts by an uptime that was read late are as exact as two clocks agree over its age; they are listed apart. */
function kindOf({ edge, kind, widthMs }: BoundaryError): string {
  const isOld = kind === 'uptime' && widthMs !== null && widthMs > 2_000;
  return `${edge} by ${kind}${isOld ? ', first seen old' : ''}`;
}

function sayEdges({ report }: Meter): void {
  const kinds = new Map<string, BoundaryError[]>();
  for (const one of report.boundaryErrors) kinds.set(kindOf(one), [...(kinds.get(kindOf(one)) ?? []), one]);
  say('| edge | count | error: median | p95 | max | median width of the bounds |');
  say('|---|---:|---:|---:|---:|---:|');
  for (const [kind, list] of [...kinds].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const errors = list.map((one) => Math.abs(one.errorMs)).sort((a, b) => a - b);
    const widths = list.flatMap(({ widthMs }) => (widthMs === null ? [] : [widthMs])).sort((a, b) => a - b);
    const figures = [quantile(errors, 0.5), quantile(errors, 0.95), errors.at(-1) ?? 0].map(seconds).join(' | ');
    say(
      `| ${kind} | ${list.length} | ${figures} | ${widths.length === 0 ? 'no earliest' : seconds(quantile(widths, 0.5))} |`,
    );
  }
  const within = report.boundaryErrors.length - report.outOfBounds.length;
  say();
  say(`True instants within their stated bounds: ${within} of ${report.boundaryErrors.length}.`);
}

say('# How exact the ledger is');
say();
say('Generated by `npm run accuracy -- --write`; the same seed gives the same table.');
say();
say(
  `Seed ${seed}: ${worldCount} random worlds of ${DAYS} days (${worldCount * DAYS} days in all), three nodes and six guests each, every kind of event, ` +
    'clocks wrong by seconds, drifting by up to 100 ppm and stepping. All meters look at the same instants, every 30 s. ' +
    'Errors are in seconds, against the truth of the simulator; time counts from the first look on.',
);
for (const [title, lateShare] of [
  ['Ends of tasks stamped promptly', 0],
  ['One task in five noticed late (up to 10 s)', 0.2],
] as const) {
  const up = await runMix(lateShare, false);
  const down = await runMix(lateShare, true);
  say();
  say(`## ${title}`);
  say();
  say(`${Math.round(up.unloggedShare * 100)} % of the ends have no task.`);
  say();
  say('| meter | missing | extra | merged | split | seconds wrong | ppm | better than the plain poller |');
  say('|---|---:|---:|---:|---:|---:|---:|---:|');
  sayMeter('ledger', up.ledger, up.poller);
  sayMeter('plain poller', up.poller, null);
  sayMeter('ledger, manager down 10 % of the time', down.ledger, down.poller);
  sayMeter('plain poller, down likewise', down.poller, null);
  for (const [name, run] of [
    ['Edges', up],
    ['Edges with the manager down 10 % of the time', down],
  ] as const) {
    say();
    say(`### ${name}`);
    say();
    sayEdges(run.ledger);
  }
}
const text = `${lines.join('\n')}\n`;
process.stdout.write(text);
if (values.write === true) writeFileSync(new URL('../docs/accuracy.md', import.meta.url), text);
