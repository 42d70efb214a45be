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
 * The member that the poll is of: the same one, or the next generation's where the node was installed anew, by what this poll
 * shows or what another manager found. What ran on the old one has ended then, and its name and its way are the new one's
 * (ledger rule 24). Null where no member bears the name any more.
 */
export async function presentMember(
  member: Member,
  observation: NodeObservation,
  { queue, roster, clock, log }: { queue: WriteQueue; roster: Roster; clock: Clock; log: Log },
): Promise<Member | null> {
  const { nodeId, ledger, name } = member;
  const node = ledger.state.nodes.get(nodeId);
  if (node === undefined) return member;
  if (node.isReinstalled === true) return roster.replace(member);
  const boot = reinstalledAt(node, observation, member.known);
  if (boot === null) return member;
  await queue.call(ledger, async (trx) => {
    const known = ledger.state.nodes.get(nodeId) ?? node;
    // Another manager was first.
    if (known.isReinstalled === true) return;
    const now = clock.now();
    await beginGeneration(trx, nodeId, { bootedBy: boot.latest, now });
    await endNode(trx, ledger, { ...known, removedAt: boot.latest, isReinstalled: true }, now);
  });
  log.warn('a node was installed anew: what ran on it has ended, and its name is that of a new one', { node: name });
  return roster.replace(member);
}
