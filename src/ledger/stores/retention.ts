import type { Knex } from 'knex';
import type { Queryable, Trx } from '../database.js';

/** Columns of `polls` of which the newest row that tells them is what a manager goes on from, and what an open span reaches to. */
const LASTING = [
  'began_at',
  'qemu_sent_at',
  'lxc_sent_at',
  'states_earliest',
  'tasks_sent_at',
  'clock',
  'uptime_clock',
];
/** Those in the order of their own values; the others follow their poll's. */
const OWN_ORDER = ['qemu_sent_at', 'lxc_sent_at', 'states_earliest'];

/** All nodes, those that were removed among them: any may have polls. */
export async function allNodes(db: Queryable): Promise<number[]> {
  const rows = (await db('nodes').select('id').orderBy('id')) as { id: number }[];
  return rows.map((row) => row.id);
}

/**
 * Removes a node's polls that began before `before`, oldest first, at most `limit` a call; yields how many. The newest that
 * saw each list, told the states or read the clock stay however old they are: sessions that are open count to them (rule 21).
 */
export async function purgePolls(trx: Trx, nodeId: number, before: number, limit: number): Promise<number> {
  const kept = await lastingPolls(trx, nodeId);
  const old = trx('polls').where({ node_id: nodeId }).where('began_at', '<', before).whereNotIn('id', kept);
  return deleteFirst(trx, 'polls', old, 'began_at', limit);
}

/** Removes entries of the audit log from before the instant, oldest first, at most `limit` a call; yields how many. */
export async function purgeAudit(trx: Trx, before: number, limit: number): Promise<number> {
  return deleteFirst(trx, 'audit_log', trx('audit_log').where('at', '<', before), 'at', limit);
}

/** Removes agents' events that arrived before the instant, oldest first, at most `limit` a call; yields how many. What they reported stays. */
export async function purgeEvents(trx: Trx, before: number, limit: number): Promise<number> {
  return deleteFirst(trx, 'agent_events', trx('agent_events').where('arrived_at', '<', before), 'arrived_at', limit);
}

async function lastingPolls(trx: Trx, nodeId: number): Promise<number[]> {
  const ids = new Set<number>();
  for (const column of LASTING) {
    const row = (await trx('polls')
      .where({ node_id: nodeId })
      .whereNotNull(column)
      .orderBy(OWN_ORDER.includes(column) ? column : 'began_at', 'desc')
      .first('id')) as { id: number } | undefined;
    if (row !== undefined) ids.add(row.id);
  }
  return [...ids];
}

async function deleteFirst(
  trx: Trx,
  table: string,
  old: Knex.QueryBuilder,
  by: string,
  limit: number,
): Promise<number> {
  const rows = (await old.orderBy(by).limit(limit).select('id')) as { id: number }[];
  if (rows.length === 0) return 0;
  return trx(table)
    .whereIn(
      'id',
      rows.map((row) => row.id),
    )
    .delete();
}
