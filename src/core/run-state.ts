import type { GuestState } from './guest.js';
import { CLOCK_RATE_ERROR } from './node-clock.js';
import type { NodeState } from './node-state.js';
import type { Exchange, GuestRow, NodeObservation, ResourceRow } from './observation.js';
import { runStateOf, storedState, withRunState, type StateSample } from './pause-span.js';
import type { UptimeSample } from './span.js';
import { hull, type Window } from './window.js';

/** A row of the cluster's resources with the exchange that told it. */
export interface ToldState extends Exchange {
  row: ResourceRow;
}

/** Old broadcasts are still told after this, but no process of seconds can be mistaken for its successor then. */
const STALE_MS = 60_000;
/** pvestatd reads the uptimes first and asks QEMU then, with a time-out of two seconds. */
const ASKED_MS = 5_000;
const FLOOR_MS = 1_000;
const TICK_MS = 20;

/**
 * When a row of the resources was true: its answer tells no instant, but the uptime in it does, against the uptime that the
 * node's own list shows of the process (ledger rule 17). Null where the row is of another process, or too old.
 */
export function toldWindow({ row, sentAt, receivedAt }: ToldState, sample: UptimeSample): Window | null {
  if (row.uptimeS === null || row.uptimeS === 0) return null;
  const byMs = (row.uptimeS - sample.uptimeS) * 1000;
  const slackMs = FLOOR_MS + TICK_MS + Math.ceil(Math.abs(byMs) * 2 * CLOCK_RATE_ERROR);
  const earliest = sample.sentAt + byMs - slackMs;
  const latest = Math.min(sample.receivedAt + byMs + slackMs + ASKED_MS, receivedAt);
  return earliest > latest || sentAt - earliest > STALE_MS ? null : { earliest, latest };
}

export interface StatesInput {
  /** As it was before this poll. */
  node: NodeState;
  observation: NodeObservation;
  guestOf: (row: GuestRow) => GuestState | null;
  toldOf: (row: GuestRow) => ToldState | null;
  /** The process's uptime as this poll's list shows it. */
  sampleOf: (row: GuestRow) => UptimeSample | null;
  /** The newest sample of the guest's state so far; null after a restart. */
  lastOf: (row: GuestRow) => StateSample | null;
}

export interface TakenStates {
  guests: { row: GuestRow; before: GuestState; after: GuestState; last: StateSample }[];
  /** When the states of all VMs that run on the node were told; null where one of them was not. */
  seen: Window | null;
}

/** What this poll and the cluster's resources say of the states of the VMs that the node's list shows running. */
export function takenStates(input: StatesInput): TakenStates {
  const { qemu } = input.observation;
  const taken: TakenStates = { guests: [], seen: null };
  if (qemu?.kind !== 'seen') return taken;
  let isWhole = true;
  for (const row of qemu.value) {
    const before = input.guestOf(row);
    const span = before?.spans.at(-1);
    if (before?.isOpen !== true || span?.state !== 'running' || before.nodeId !== input.node.id) continue;
    const samples = samplesOf(row, input, qemu.receivedAt);
    if (samples.length === 0) isWhole = false;
    for (const { window } of samples) taken.seen = taken.seen === null ? window : hull(taken.seen, window);
    let last = lastOf(row, input, qemu.receivedAt) ?? storedState(span, input.node.statesSeen);
    let spans: GuestState['spans'] = before.spans;
    for (const sample of samples) {
      if (last !== null && sample.window.earliest < last.window.earliest) continue;
      spans = [...withRunState(spans, last, sample)];
      last = sample;
    }
    if (last === null) continue;
    const isSame = spans.every((one, k) => one === before.spans[k]);
    taken.guests.push({ row, before, after: isSame ? before : { ...before, spans }, last });
  }
  return { ...taken, seen: isWhole ? taken.seen : null };
}

/** A sample later than now is of a clock that was set back since. */
function lastOf(row: GuestRow, input: StatesInput, now: number): StateSample | null {
  const last = input.lastOf(row);
  return last === null || last.window.earliest > now ? null : last;
}

/** What the broadcast said, and what QEMU itself answered after the list, where it was asked. */
function samplesOf(row: GuestRow, input: StatesInput, listedAt: number): StateSample[] {
  const samples: StateSample[] = [];
  const told = input.toldOf(row);
  const uptime = input.sampleOf(row);
  if (told?.row.node === input.node.node && uptime !== null) {
    const state = runStateOf(told.row.status, told.row.lock);
    const window = toldWindow(told, uptime);
    if (state !== null && window !== null) samples.push({ state, window });
  }
  const asked = row.qmpstatus === null ? null : runStateOf(row.qmpstatus, row.lock);
  if (asked !== null) {
    samples.push({ state: asked, window: { earliest: listedAt, latest: input.observation.finishedAt } });
  }
  return samples.sort((a, b) => a.window.earliest - b.window.earliest);
}
