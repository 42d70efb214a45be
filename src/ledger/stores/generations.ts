import type { Trx } from '../database.js';
import { retireNode } from './removal.js';

/**
 * The node was installed anew by `bootedBy`: its row is tracked no more and leaves its name to the generation after it, which
 * is written here (ledger rule 24). What was seen of it stays with the old row, called `name#1` from now on.
 */
export async function beginGeneration(
  trx: Trx,
  nodeId: number,
  { bootedBy, now }: { bootedBy: number; now: number },
): Promise<void> {
  const old = (await trx('nodes').where({ id: nodeId }).first()) as StoredGeneration | undefined;
  if (old === undefined) throw new Error(`node ${nodeId} is not in the database`);
  await retireNode(trx, nodeId, bootedBy);
  const name = `${old.name}#${old.generation}`;
  await trx('nodes').where({ id: nodeId }).update({ is_reinstalled: 1, name });
  await trx('nodes').insert({
    cluster_id: old.cluster_id,
    name: old.name,
    proxmox_name: old.proxmox_name,
    hostname: old.hostname,
    source: old.source,
    generation: old.generation + 1,
    is_active: 1,
    health: 'unreachable',
    created_at: now,
  });
}

interface StoredGeneration {
  cluster_id: number;
  name: string;
  proxmox_name: string;
  hostname: string;
  source: string;
  generation: number;
}
