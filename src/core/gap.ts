import type { LogHole } from './coverage.js';
import { notSeenReason, type NodeState } from './node-state.js';
import type { NodeObservation, NotSeenReason } from './observation.js';

/** A gap that is over. */
export interface PastGap {
  startedAt: number;
  endedAt: number;
  reason: NotSeenReason | 'manager_down' | 'log_rotated' | 'clock_step';
  detail: string;
}

/** What a poll changes in its node’s gaps. */
export interface GapChange {
  nodeId: number;
  /** Ends the open gap, if there is one, at this instant. */
  closedAt: number | null;
  /** Opens one. */
  opened: { startedAt: number; reason: NotSeenReason; detail: string } | null;
  /** Those that are over already: the manager or the log was not there, or the manager's clock was set. */
  past: PastGap[];
  /** Gaps that are over and that the evidence now covers (ledger rule 21). */
  proven: { startedAt: number; endedAt: number }[];
}

export interface GapInput {
  before: NodeState;
  after: NodeState;
  observation: NodeObservation;
  intervalMs: number;
  /** When polls of the cluster's other nodes ended since this node's last one. */
  clusterPolls: readonly number[];
  /** The part of the task log that was lost unread, as this poll found. */
  hole: LogHole | null;
  /** How far the manager's clock was set since the last poll; 0 where it was not. */
  clockStepMs: number;
}

/**
 * The gaps that a poll opens, ends or finds (ledger rule 1): from the last good list on while a tracked list is not seen, and
 * one where no poll ran for longer than two intervals; also log that was lost (rule 4) and steps of the manager's clock (rule 11).
 */
export function gapChange(input: GapInput): GapChange {
  const { before, observation } = input;
  const change: GapChange = { nodeId: before.id, closedAt: null, opened: null, past: [], proven: [] };
  const failed = notSeenReason(observation);
  const { beganAt } = observation;
  const lastSeenAt = before.lastPollFinishedAt === null ? beganAt : lastGoodOf(before, beganAt);
  const unpolled = unpolledGap(input, before.gap === null ? lastSeenAt : before.lastPollFinishedAt);
  if (unpolled !== null) change.past.push(unpolled);
  if (input.hole !== null) {
    const detail = 'the node’s task log no longer held what happened in this time';
    change.past.push({ ...input.hole, reason: 'log_rotated', detail });
  }
  if (input.clockStepMs !== 0) change.past.push(stepGap(input.clockStepMs, lastSeenAt, observation));
  // A clock that was set back must not end a gap before it began.
  const endedAt = Math.max(beganAt, before.gap?.startedAt ?? beganAt);
  if (failed === null) {
    if (before.gap !== null) change.closedAt = endedAt;
  } else if (before.gap === null || before.gap.reason !== failed.reason) {
    if (before.gap !== null) change.closedAt = endedAt;
    const startedAt = before.gap === null && unpolled === null ? Math.min(lastSeenAt, beganAt) : beganAt;
    change.opened = { startedAt, ...failed };
  }
  return change;
}

/** A stretch longer than two intervals without a poll of the node: the manager's own, unless it polled other nodes meanwhile. */
function unpolledGap({ before, observation, intervalMs, clusterPolls }: GapInput, from: number | null): PastGap | null {
  const { beganAt } = observation;
  const last = before.lastPollFinishedAt;
  if (from === null || last === null || beganAt - last <= 2 * intervalMs) return null;
  const instants = [last, ...clusterPolls.filter((at) => at > last && at < beganAt).sort((a, b) => a - b), beganAt];
  const isDown = instants.some((at, k) => at - (instants[k - 1] ?? at) > 2 * intervalMs);
  return isDown
    ? { startedAt: from, endedAt: beganAt, reason: 'manager_down', detail: 'no poll was running' }
    : { startedAt: from, endedAt: beganAt, reason: 'unreachable', detail: 'the node was not polled; others were' };
}

function stepGap(stepMs: number, lastSeenAt: number, { beganAt, finishedAt }: NodeObservation): PastGap {
  const direction = stepMs > 0 ? 'forward' : 'back';
  return {
    startedAt: Math.min(lastSeenAt, beganAt),
    endedAt: Math.max(lastSeenAt, finishedAt),
    reason: 'clock_step',
    detail: `the manager's clock was set ${direction} by ${(Math.abs(stepMs) / 1000).toFixed(1)} s`,
  };
}

/** The last instant at which every list that was ever seen was good. */
export function lastGoodOf(node: NodeState, otherwise: number): number {
  const seen = [node.lastSeen.qemu, node.lastSeen.lxc].filter((one) => one !== null).map((one) => one.sentAt);
  return seen.length === 0 ? otherwise : Math.min(...seen);
}
