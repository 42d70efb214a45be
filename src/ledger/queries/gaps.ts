import type { Queryable } from '../database.js';
import { overlapping } from './overlap.js';
import type { GapReason, GapView, Page } from './read-model.js';

export interface GapFilter {
  node?: string | undefined;
  cluster?: string | undefined;
  isOpen?: boolean | undefined;
  /** Half-open range: every gap that overlaps [from, to). */
  from?: number | undefined;
  to?: number | undefined;
}

interface GapRow {
  id: number;
  cluster: string;
  node: string;
  started_at: number;
  ended_at: number | null;
  reason: GapReason;
  detail: string | null;
  is_proven: number;
}

/** One page of the gaps that the filter leaves, newest start first. */
export async function listGaps(
  db: Queryable,
  filter: GapFilter & { page: number; perPage: number },
): Promise<Page<GapView>> {
  const { page, perPage } = filter;
  const query = db('gaps as p').join('nodes as n', 'n.id', 'p.node_id').join('clusters as c', 'c.id', 'n.cluster_id');
  if (filter.node !== undefined) void query.where('n.name', filter.node);
  if (filter.cluster !== undefined) void query.where('c.name', filter.cluster);
  if (filter.isOpen === true) void query.whereNull('p.ended_at');
  if (filter.isOpen === false) void query.whereNotNull('p.ended_at');
  overlapping(query, { start: 'p.started_at', end: 'p.ended_at' }, filter);
  const counted = (await query.clone().count('* as count').first()) as { count: number | string };
  const rows = (await query
    .select(
      'p.id',
      'c.name as cluster',
      'n.name as node',
      'p.started_at',
      'p.ended_at',
      'p.reason',
      'p.detail',
      'p.is_proven',
    )
    .orderBy([
      { column: 'p.started_at', order: 'desc' },
      { column: 'p.id', order: 'desc' },
    ])
    .limit(perPage)
    .offset((page - 1) * perPage)) as GapRow[];
  return { items: rows.map(viewOf), total: Number(counted.count), page, perPage };
}

function viewOf(row: GapRow): GapView {
  return {
    id: row.id,
    cluster: row.cluster,
    node: row.node,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    reason: row.reason,
    detail: row.detail,
    isProven: row.is_proven === 1,
  };
}
