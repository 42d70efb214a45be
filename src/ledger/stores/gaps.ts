import type { GapChange } from '../../core/gap.js';
import type { Trx } from '../database.js';

/** Writes what a poll changed in its node's gaps: ends the open one, opens another, notes one that is over (ledger rule 1). */
export async function writeGap(trx: Trx, clusterId: number, change: GapChange): Promise<void> {
  const { nodeId } = change;
  if (change.past !== null) {
    const { startedAt, endedAt, reason, detail } = change.past;
    await trx('gaps').insert({
      cluster_id: clusterId,
      node_id: nodeId,
      open_node_id: null,
      started_at: startedAt,
      ended_at: endedAt,
      reason,
      detail,
      is_proven: 0,
    });
  }
  if (change.closedAt !== null) {
    await trx('gaps').where({ open_node_id: nodeId }).update({ ended_at: change.closedAt, open_node_id: null });
  }
  if (change.opened !== null) {
    await trx('gaps').insert({
      cluster_id: clusterId,
      node_id: nodeId,
      open_node_id: nodeId,
      started_at: change.opened.startedAt,
      ended_at: null,
      reason: change.opened.reason,
      detail: change.opened.detail.slice(0, 1000),
      is_proven: 0,
    });
  }
}
