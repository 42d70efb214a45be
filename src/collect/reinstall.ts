import type { Clock } from '../clock.js';
import type { NodeObservation } from '../core/observation.js';
import { reinstalledAt } from '../core/reinstalled.js';
import { beginGeneration } from '../ledger/stores/generations.js';
import type { Log } from '../log.js';
import { endNode } from './end-node.js';
import type { Member } from './member.js';
import type { Roster } from './roster.js';
import type { WriteQueue } from './write-queue.js';

/**
 * The member of the next generation where the poll shows that the node was installed anew: what ran on the old one has ended,
 * and its name and its way are the new one's. Null where it was not (ledger rule 24).
 */
export async function installedAnew(
  member: Member,
  observation: NodeObservation,
  { queue, roster, clock, log }: { queue: WriteQueue; roster: Roster; clock: Clock; log: Log },
): Promise<Member | null> {
  const { nodeId, ledger, name } = member;
  const node = ledger.state.nodes.get(nodeId);
  const boot = node === undefined ? null : reinstalledAt(node, observation, member.known);
  if (node === undefined || boot === null) return null;
  await queue.call(ledger, async (trx) => {
    const now = clock.now();
    const removed = { ...(ledger.state.nodes.get(nodeId) ?? node), removedAt: boot.latest, isReinstalled: true };
    await beginGeneration(trx, nodeId, { bootedBy: boot.latest, now });
    await endNode(trx, ledger, removed, now);
  });
  log.warn('a node was installed anew: what ran on it has ended, and its name is that of a new one', { node: name });
  return roster.replace(member);
}
