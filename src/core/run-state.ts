import { guestKey, type GuestState } from './guest.js';
import { CLOCK_RATE_ERROR } from './node-clock.js';
import type { NodeState } from './node-state.js';
import type { Exchange, GuestRow, NodeObservation, ResourceRow } from './observation.js';
import { runStateOf, storedState, withRunState, type StateSample } from './pause-span.js';
import type { Span, UptimeSample } from './span.js';
import type { Window } from './window.js';

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
  /** This and all below by guestKey. */
  guestOf: (key: string) => GuestState | null;
  toldOf: (key: string) => ToldState | null;
  /** The process's uptime as this poll's list shows it. */
  sampleOf: (key: string) => UptimeSample | null;
  /** The newest sample of the guest's state so far; null after a restart. */
  lastOf: (key: string) => StateSample | null;
}

export interface TakenStates {
  guests: { key: string; before: GuestState; after: GuestState; last: StateSample }[];
  /** When the states of all VMs that run on the node were told; null where one of them was not. */
  seen: Window | null;
}

/** What this poll and the cluster's resources say of the states of the VMs that the node's list shows running. */
export function takenStates(input: StatesInput): TakenStates {
  const { qemu } = input.observation;
  const taken: TakenStates = { guests: [], seen: null };
  if (qemu?.kind !== 'seen') return taken;
  let isWhole = true;
  let [earliest, latest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of qemu.value) {
    const key = guestKey(row.type, row.vmid);
    const before = input.guestOf(key);
    const span = before?.spans.at(-1);
    if (before?.isOpen !== true || span?.state !== 'running' || before.nodeId !== input.node.id) continue;
    const samples = samplesOf(row, key, input, qemu.receivedAt);
    if (samples.length === 0) isWhole = false;
    let last = lastOf(key, input, qemu.receivedAt) ?? storedState(span, input.node.statesSeen);
    let spans: readonly Span[] = before.spans;
    for (const sample of samples) {
      earliest = Math.min(earliest, sample.window.earliest);
      latest = Math.max(latest, sample.window.latest);
      if (last !== null && sample.window.earliest < last.window.earliest) continue;
      spans = withRunState(spans, last, sample);
      last = sample;
    }
    if (last === null) continue;
    const after = spans === before.spans ? before : { ...before, spans: [...spans] };
    taken.guests.push({ key, before, after, last });
  }
  if (isWhole && earliest <= latest) taken.seen = { earliest, latest };
  return taken;
}

/** A sample later than now is of a clock that was set back since. */
function lastOf(key: string, input: StatesInput, now: number): StateSample | null {
  const last = input.lastOf(key);
  return last === null || last.window.earliest > now ? null : last;
}

/** What the broadcast said, and what QEMU itself answered after the list, where it was asked; the earlier first. */
function samplesOf(row: GuestRow, key: string, input: StatesInput, listedAt: number): StateSample[] {
  const told = toldSample(key, input);
  const state = row.qmpstatus === null ? null : runStateOf(row.qmpstatus, row.lock);
  if (state === null) return told === null ? [] : [told];
  const asked = { state, window: { earliest: listedAt, latest: input.observation.finishedAt } };
  if (told === null) return [asked];
  return told.window.earliest <= listedAt ? [told, asked] : [asked, told];
}

function toldSample(key: string, input: StatesInput): StateSample | null {
  const told = input.toldOf(key);
  const uptime = input.sampleOf(key);
  if (told?.row.node !== input.node.node || uptime === null) return null;
  const state = runStateOf(told.row.status, told.row.lock);
  const window = state === null ? null : toldWindow(told, uptime);
  return state === null || window === null ? null : { state, window };
}
