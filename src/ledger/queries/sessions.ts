import type { Knex } from 'knex';
import type { Queryable } from '../database.js';
import { correctionsInForce, countingEdges, type CorrectedSession } from './corrections.js';
import { overlapping } from './overlap.js';
import type { Page, SessionView } from './read-model.js';
import { sessionRecords } from './records.js';
import { sessionViewsOf } from './session-view.js';

export interface SessionFilter {
  vmid?: number | undefined;
  guestId?: number | undefined;
  /** Wire name: of the node of any segment. */
  node?: string | undefined;
  cluster?: string | undefined;
  isRunning?: boolean | undefined;
  /** Half-open range: every session that overlaps [from, to). */
  from?: number | undefined;
  to?: number | undefined;
  /** The present, for open sessions that count up to it. */
  asOf?: number | undefined;
}

/** One page of the sessions that the filter leaves, newest start first. An open one overlaps every range after its start. */
export async function listSessions(
  db: Queryable,
  filter: SessionFilter & { page: number; perPage: number },
): Promise<Page<SessionView>> {
  const { page, perPage } = filter;
  const corrections = [...(await correctionsInForce(db)).values()];
  const counted = (await narrowed(db, filter, corrections).count('* as count').first()) as { count: number | string };
  const moved = corrections.filter((one) => one.startAt !== null);
  const window = { offset: (page - 1) * perPage, limit: perPage };
  const ids =
    moved.length === 0
      ? await idsOf(
          newestFirst(narrowed(db, filter, corrections))
            .limit(window.limit)
            .offset(window.offset),
        )
      : await idsInOrder(narrowed(db, filter, corrections), moved, window);
  return { items: await sessionsWith(db, ids, filter.asOf), total: Number(counted.count), page, perPage };
}

/**
 * A page by the starts as they count. The corrected sessions are few: they are merged into a stretch of the others, which an
 * index yields in order, long enough to hold the page wherever they come to stand.
 */
async function idsInOrder(
  query: Knex.QueryBuilder,
  moved: readonly CorrectedSession[],
  { offset, limit }: { offset: number; limit: number },
): Promise<number[]> {
  const starts = new Map(moved.map((one) => [one.id, one.startAt ?? one.derived.start_at]));
  const fitting = (await query
    .clone()
    .whereIn('e.id', [...starts.keys()])
    .select('e.id')) as { id: number }[];
  const first = Math.max(0, offset - fitting.length);
  const others = (await newestFirst(query.whereNotIn('e.id', [...starts.keys()]))
    .limit(offset - first + limit)
    .offset(first)
    .select('e.id', 'e.start_at')) as { id: number; start_at: number }[];
  if (others.length === 0 && first > 0) return [];
  const merged = [...others, ...fitting.map(({ id }) => ({ id, start_at: starts.get(id) ?? 0 }))];
  merged.sort((a, b) => b.start_at - a.start_at || b.id - a.id);
  return merged.slice(offset - first, offset - first + limit).map(({ id }) => id);
}

/** Every open session that the filter leaves, newest start first. */
export async function runningSessions(db: Queryable, filter: SessionFilter = {}): Promise<SessionView[]> {
  const corrections = [...(await correctionsInForce(db)).values()];
  const ids = await idsOf(newestFirst(narrowed(db, { ...filter, isRunning: true }, corrections)));
  return (await sessionsWith(db, ids, filter.asOf)).sort((a, b) => b.start.at - a.start.at || b.id - a.id);
}

/** The session with that id; null when unknown. */
export async function sessionById(db: Queryable, id: number, asOf?: number): Promise<SessionView | null> {
  return (await sessionsWith(db, [id], asOf))[0] ?? null;
}

/** Only the table of sessions, so that both databases walk an index and stop at the end of the page. */
function narrowed(db: Queryable, filter: SessionFilter, corrections: readonly CorrectedSession[]): Knex.QueryBuilder {
  const query = db('sessions as e');
  if (filter.guestId !== undefined) void query.where('e.guest_id', filter.guestId);
  if (filter.vmid !== undefined) void query.whereIn('e.guest_id', db('guests').where('vmid', filter.vmid).select('id'));
  if (filter.cluster !== undefined) {
    const clusters = db('clusters').where('name', filter.cluster).select('id');
    void query.whereIn('e.guest_id', db('guests').whereIn('cluster_id', clusters).select('id'));
  }
  if (filter.node !== undefined) hasSegmentOn(db, query, filter.node);
  if (corrections.length === 0) {
    asDerived(query, filter);
    return query;
  }
  // A corrected session is judged by what counts.
  const fitting = corrections.filter((one) => fits(one, filter)).map((one) => one.id);
  const ids = corrections.map((one) => one.id);
  void query.where((where) => {
    void where.whereIn('e.id', fitting).orWhere((plain) => {
      void plain.whereNotIn('e.id', ids);
      asDerived(plain, filter);
    });
  });
  return query;
}

function asDerived(query: Knex.QueryBuilder, filter: SessionFilter): void {
  if (filter.isRunning === true) void query.whereNotNull('e.open_guest_id');
  if (filter.isRunning === false) void query.whereNull('e.open_guest_id');
  overlapping(query, { start: 'e.start_at', end: 'e.end_at' }, filter);
}

function fits(correction: CorrectedSession, { isRunning, from, to }: SessionFilter): boolean {
  const { start_at: start, end_at: end } = countingEdges(correction);
  if (isRunning !== undefined && isRunning !== (end === null)) return false;
  return (to === undefined || start < to) && (from === undefined || end === null || end > from || start >= from);
}

function hasSegmentOn(db: Queryable, query: Knex.QueryBuilder, node: string): void {
  const nodes = db('nodes').where('name', node).select('id');
  const segments = db('segments as m')
    .select('m.id')
    .whereRaw('m.session_id = e.id')
    .whereIn('m.node_id', nodes.clone());
  void query.where((where) => void where.whereIn('e.node_id', nodes).orWhereExists(segments));
}

function newestFirst(query: Knex.QueryBuilder): Knex.QueryBuilder {
  return query.orderBy([
    { column: 'e.start_at', order: 'desc' },
    { column: 'e.id', order: 'desc' },
  ]);
}

async function idsOf(query: Knex.QueryBuilder): Promise<number[]> {
  return ((await query.select('e.id')) as { id: number }[]).map((row) => row.id);
}

async function sessionsWith(db: Queryable, ids: readonly number[], asOf?: number): Promise<SessionView[]> {
  return sessionViewsOf(db, await sessionRecords(db, ids), asOf ?? null);
}
