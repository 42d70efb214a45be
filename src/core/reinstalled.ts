import { FULL_FILE_ROWS } from './coverage.js';
import { bootByStatus, type NodeState } from './node-state.js';
import type { NodeObservation } from './observation.js';
import { meets, widen, type Window } from './window.js';

/** Two readings of one boot agree to less than this. */
const SAME_BOOT_MS = 10_000;

/**
 * The boot of a node that was installed anew under its old name, or null where it was not (ledger rule 24): it booted since we
 * knew it, and its log, read to its end, holds nothing of what it held. `known` are the UPIDs that it had finished.
 */
export function reinstalledAt(
  node: NodeState,
  observation: NodeObservation,
  known: ReadonlySet<string>,
): Window | null {
  const { tasks } = observation;
  const boot = bootByStatus(observation)?.then ?? null;
  const last = node.boots.at(-1);
  if (boot === null || last === undefined || tasks.kind !== 'seen' || known.size === 0) return null;
  if (boot.earliest < last.latest || meets(widen(last, SAME_BOOT_MS), boot)) return null;
  const { rows, metKnown, isComplete } = tasks.value;
  // A log as long as a full file was rotated: what it held is in a file that is not read.
  if (metKnown || !isComplete || rows.length >= FULL_FILE_ROWS) return null;
  return rows.every(({ upid, startTimeS }) => !known.has(upid) && startTimeS * 1000 > last.latest) ? boot : null;
}
