import type { NodeObservation, NotSeenReason } from '../core/observation.js';
import { notSeenReason } from '../core/node-state.js';

/** The node's status on the wire for a reason it was not seen (wire-contract.md, "Which guest, which node"). */
export function healthOf(reason: NotSeenReason): string {
  switch (reason) {
    case 'unreachable':
    case 'bad_answer':
      return 'unreachable';
    case 'unauthorized':
      return 'unauthorized';
    case 'tls_error':
      return 'tls_error';
    case 'permission_lost':
      return 'partial';
  }
}

/** How the node stands after a poll, and the sentence that says why where it is not wholly online. */
export function judge(observation: NodeObservation, missing: string | null): { health: string; error: string | null } {
  const failed = notSeenReason(observation);
  if (failed !== null) return { health: healthOf(failed.reason), error: failed.detail };
  if (observation.tasks.kind === 'not_seen') return { health: 'partial', error: observation.tasks.detail };
  return missing === null ? { health: 'online', error: null } : { health: 'partial', error: missing };
}
