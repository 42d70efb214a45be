import type { GapChange } from '../../core/gap.js';
import type { LogHole, NodeCoverage } from '../../core/coverage.js';
import type { Queryable, Trx } from '../database.js';
import { numberOf, type Row } from './row.js';

const JUDGED_AGAIN = 8;

/** Writes what a poll changed in its node's gaps: ends the open one, opens another, notes one that is over (ledger rule 1). */
export async function writeGap(trx: Trx, clusterId: number, change: GapChange): Promise<void> {
  const { nodeId } = change;
  for (const { startedAt, endedAt, reason, detail } of change.past) {
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
  for (const { startedAt, endedAt } of change.proven) {
    const named = { node_id: nodeId, started_at: startedAt, ended_at: endedAt };
    await trx('gaps')
      .where(named)
      .whereNotIn('reason', [...NOT_OF_LISTS])
      .update({ is_proven: 1 });
  }
}

/** Reasons of gaps that hide no list: in them guests were seen, but the log or the clock said less. */
export const NOT_OF_LISTS: readonly string[] = ['log_rotated', 'clock_step'];

/** Gaps of a node that the next polls still judge, and the holes of its log. */
export async function loadCoverage(db: Queryable, nodeId: number): Promise<NodeCoverage> {
  const read = (await db('polls')
    .where({ node_id: nodeId })
    .whereNotNull('tasks_sent_at')
    .orderBy('began_at', 'desc')
    .first('tasks_sent_at')) as Row | undefined;
  const holes = (await db('gaps').where({ node_id: nodeId, reason: 'log_rotated' }).orderBy('started_at')) as Row[];
  const unproven = (await db('gaps')
    .where({ node_id: nodeId, is_proven: 0 })
    .whereNotNull('ended_at')
    .whereNotIn('reason', [...NOT_OF_LISTS])
    .orderBy('started_at', 'desc')
    .limit(JUDGED_AGAIN)) as Row[];
  const holeOf = (row: Row): LogHole => ({
    startedAt: numberOf(row, 'started_at'),
    endedAt: numberOf(row, 'ended_at'),
  });
  return {
    tasksReadAt: read === undefined ? null : numberOf(read, 'tasks_sent_at'),
    holes: holes.map(holeOf),
    unproven: unproven.map(holeOf).reverse(),
  };
}
