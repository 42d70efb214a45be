import type { Trx } from '../database.js';

/** The node is tracked no more from `at` on, and its open gap ends with that; its rows stay. */
export async function retireNode(trx: Trx, nodeId: number, at: number): Promise<void> {
  await trx('gaps').where({ open_node_id: nodeId }).update({ ended_at: at, open_node_id: null });
  await trx('nodes').where({ id: nodeId }).update({ is_active: 0, removed_at: at, is_sync_due: 0 });
}

/** Deletes what was read of the node itself: its polls and gaps, and what its agent sent. */
export async function deleteNodeRecords(trx: Trx, nodeId: number): Promise<void> {
  for (const table of ['agent_events', 'polls', 'gaps']) await trx(table).where({ node_id: nodeId }).delete();
}

/** Tables that hold rows of a guest, those that others point to last. */
const OF_GUEST = [
  'session_corrections',
  'findings',
  'evidence_conflicts',
  'guest_changes',
  'journal_marks',
  'rrd_marks',
  'agent_reports',
] as const;

/** Deletes all rows of a VMID's incarnations, its tasks with them; yields how many sessions they had. */
export async function deleteGuests(
  trx: Trx,
  guest: { clusterId: number; type: string; vmid: number },
  guestIds: readonly number[],
): Promise<number> {
  const ids = [...guestIds];
  const bearer = { cluster_id: guest.clusterId, vmid: guest.vmid };
  for (const table of OF_GUEST) await trx(table).whereIn('guest_id', ids).delete();
  const spans = trx('spans').whereIn('guest_id', ids).select('id');
  const sessions = trx('sessions').whereIn('guest_id', ids).select('id');
  await trx('pause_spans').whereIn('span_id', spans).delete();
  await trx('spans').whereIn('guest_id', ids).delete();
  await trx('pauses').whereIn('session_id', sessions.clone()).delete();
  await trx('segments').whereIn('session_id', sessions.clone()).delete();
  const sessionCount = await trx('sessions').whereIn('guest_id', ids).delete();
  await trx('identities')
    .where({ ...bearer, type: guest.type })
    .delete();
  await trx('tasks').where(bearer).delete();
  await trx('guests').whereIn('id', ids).delete();
  return sessionCount;
}
