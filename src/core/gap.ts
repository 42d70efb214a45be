import { notSeenReason, type NodeState } from './node-state.js';
import type { NodeObservation, NotSeenReason } from './observation.js';

/** What a poll changes in its node’s gaps. */
export interface GapChange {
  nodeId: number;
  /** Ends the open gap, if there is one, at this instant. */
  closedAt: number | null;
  /** Opens one. */
  opened: { startedAt: number; reason: NotSeenReason; detail: string } | null;
  /** One that is over already: the manager or the log was not there. */
  past: { startedAt: number; endedAt: number; reason: 'manager_down' | 'clock_step'; detail: string } | null;
}

/**
 * The gaps that a poll opens, ends or finds (ledger rule 1): from the last good list on while a tracked list is not seen, and
 * one of the manager's own where no poll ran for longer than two intervals.
 */
export function gapChange(
  before: NodeState,
  after: NodeState,
  observation: NodeObservation,
  intervalMs: number,
): GapChange {
  const change: GapChange = { nodeId: after.id, closedAt: null, opened: null, past: null };
  const failed = notSeenReason(observation);
  const lastSeenAt = before.lastPollFinishedAt === null ? observation.beganAt : lastGoodOf(before, observation.beganAt);
  if (before.lastPollFinishedAt !== null && observation.beganAt - before.lastPollFinishedAt > 2 * intervalMs) {
    const startedAt = before.gap === null ? lastSeenAt : before.lastPollFinishedAt;
    change.past = { startedAt, endedAt: observation.beganAt, reason: 'manager_down', detail: 'no poll was running' };
  }
  if (failed === null) {
    if (before.gap !== null) change.closedAt = observation.beganAt;
  } else if (before.gap === null || before.gap.reason !== failed.reason) {
    if (before.gap !== null) change.closedAt = observation.beganAt;
    const startedAt = before.gap === null && change.past === null ? lastSeenAt : observation.beganAt;
    change.opened = { startedAt, ...failed };
  }
  return change;
}

/** The last instant at which every list that was ever seen was good. */
function lastGoodOf(node: NodeState, otherwise: number): number {
  const seen = [node.lastSeen.qemu, node.lastSeen.lxc].filter((one) => one !== null).map((one) => one.sentAt);
  return seen.length === 0 ? otherwise : Math.min(...seen);
}
