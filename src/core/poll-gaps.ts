import type { ClusterState, GuestChange } from './cluster-state.js';
import {
  coverageAfter,
  endedGaps,
  isProven,
  logHole,
  noCoverage,
  type JudgedGuest,
  type LogHole,
  type NodeCoverage,
} from './coverage.js';
import { gapChange, type GapChange } from './gap.js';
import type { GuestState } from './guest.js';
import type { IdentityFact } from './identity.js';
import type { NodeState } from './node-state.js';
import type { NodeObservation } from './observation.js';

export interface PollContext {
  /** Twice this without a poll is a gap of the manager's own. */
  intervalMs: number;
  /** When polls of the cluster's other nodes ended since this node's last one; only asked where that was long ago. */
  clusterPolls?: readonly number[];
  /** By how much the manager's clock ran ahead of its monotonic clock since this node's last poll. */
  clockStepMs?: number;
  /** What was read of guests' configs since the last poll. */
  identities?: readonly IdentityFact[];
}

/** The gaps that the poll changes, and those that its evidence now proves. */
export function gapsOf(
  state: ClusterState,
  before: NodeState,
  after: NodeState,
  observation: NodeObservation,
  context: PollContext,
  guests: readonly GuestChange[],
  hole: LogHole | null,
): { gap: GapChange; coverage: NodeCoverage } {
  const known = state.coverage?.get(before.id) ?? noCoverage;
  const { intervalMs, clusterPolls = [], clockStepMs = 0 } = context;
  const gap = gapChange({ before, after, observation, intervalMs, clusterPolls, hole, clockStepMs });
  const coverage = coverageAfter(known, observation, hole, endedGaps(gap, before.gap));
  const isFirstReading = coverage.unproven.some((one) => one.endedAt > (known.tasksReadAt ?? 0));
  if (coverage.unproven.length === 0 || (guests.length === 0 && !isFirstReading)) return { gap, coverage };
  const judged = judgedGuests(state, guests);
  gap.proven = coverage.unproven.filter((one) => isProven(one, after, coverage, judged));
  return { gap, coverage: { ...coverage, unproven: coverage.unproven.filter((one) => !gap.proven.includes(one)) } };
}

/** The part of the log that was lost before this poll read it, and what is known of it now. */
export function logOf(
  state: ClusterState,
  node: NodeState,
  observation: NodeObservation,
): { hole: LogHole | null; log: NodeCoverage } {
  const known = state.coverage?.get(node.id) ?? noCoverage;
  const hole = logHole(known, observation, node.clock, () => hasTaskOf(state, node));
  return { hole, log: coverageAfter(known, observation, hole, []) };
}

function judgedGuests(state: ClusterState, changed: readonly GuestChange[]): JudgedGuest[] {
  const guests = new Map([...state.guests].map(([key, guest]) => [key, judgedOf(guest)]));
  for (const { key, after, derived } of changed) guests.set(key, { guest: after, sessions: derived.sessions });
  return [...guests.values()];
}

function judgedOf(guest: GuestState): JudgedGuest {
  return { guest, sessions: guest.sessions.map((one) => one.session) };
}

/** True when a finished task of this node is known: then a log in which none is met has lost some. */
function hasTaskOf(state: ClusterState, node: NodeState): boolean {
  if (node.tasks.some((task) => task.end !== null)) return true;
  for (const { tasks } of state.guests.values()) {
    if (tasks.some((task) => task.nodeId === node.id && task.end !== null)) return true;
  }
  return false;
}
