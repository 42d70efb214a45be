import type { Queryable, Trx } from '../database.js';
import type { NodeRow } from './clusters.js';

/** A node's row as an agent's name is matched against it. */
export interface AgentNodeRow extends NodeRow {
  hostname: string;
  source: 'pull' | 'push';
}

interface StoredNode {
  id: number;
  cluster_id: number;
  name: string;
  proxmox_name: string;
  hostname: string;
  source: 'pull' | 'push';
  is_active: number;
  health: string;
}

/** Every node that is or was tracked, the tracked ones first. */
export async function agentNodeRows(db: Queryable): Promise<AgentNodeRow[]> {
  const rows = (await db('nodes')
    .orderBy('is_active', 'desc')
    .orderBy('id')
    .select('id', 'cluster_id', 'name', 'proxmox_name', 'hostname', 'source', 'is_active', 'health')) as StoredNode[];
  return rows.map((row) => ({
    id: row.id,
    clusterId: row.cluster_id,
    name: row.name,
    proxmoxName: row.proxmox_name,
    hostname: row.hostname,
    source: row.source,
    isActive: row.is_active === 1,
    health: row.health,
  }));
}

/** A report brings a node back that was tracked no more (wire-contract.md, fine print). */
export async function reviveNode(trx: Trx, nodeId: number): Promise<void> {
  await trx('nodes').where({ id: nodeId }).update({ is_active: 1, removed_at: null });
}
