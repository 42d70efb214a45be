import type { NodeObservation } from '../core/observation.js';
import type { NodePollReport, PollReport } from '../core/poll-report.js';
import type { AppliedPoll } from './cluster-ledger.js';
import type { Entry } from './member.js';

/** A poll of a node that is over. */
export interface PolledNode {
  report: NodePollReport;
  /** Null when it could not be written. */
  applied: AppliedPoll | null;
  /** How the node stood; `not_written` where the ledger did not take the poll. */
  health: string;
}

/** Entries that never answered have no node to poll: they are told all the same. */
export function addUnmet(report: PollReport, entries: readonly Entry[]): void {
  for (const { config, error, localNode } of entries) {
    if (error === null || localNode !== null) continue;
    report.nodes.push({ node: config.name, isSeen: false, error, guestCount: 0, changes: [] });
  }
}

/** Counts a node's poll in the report of its round: a guest without a new or changed session is as before. */
export function addTo(report: PollReport, { report: node, applied }: PolledNode): void {
  report.nodes.push(node);
  const changed = new Set<string>();
  for (const { change, difference } of applied?.guests ?? []) {
    report.sessionsCreated += difference.created.length;
    report.sessionsUpdated += difference.updated.length;
    if (difference.created.length + difference.updated.length > 0) changed.add(change.key);
  }
  report.sessionsSkipped += Math.max(0, node.guestCount - changed.size);
}

/** Adds what a further poll of a node in the same round changed. */
export function addAgain(report: PollReport, { report: node, applied }: PolledNode): void {
  report.nodes.find((one) => one.node === node.node)?.changes.push(...node.changes);
  for (const { difference } of applied?.guests ?? []) {
    report.sessionsCreated += difference.created.length;
    report.sessionsUpdated += difference.updated.length;
  }
}

/** Guests in the lists that were seen; templates never run. */
export function countGuests(observation: NodeObservation): number {
  return [observation.qemu, observation.lxc].reduce(
    (sum, list) => sum + (list?.kind === 'seen' ? list.value.filter((row) => !row.isTemplate).length : 0),
    0,
  );
}
