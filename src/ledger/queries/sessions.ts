import type { Knex } from 'knex';
import type { Queryable } from '../database.js';
import { overlapping } from './overlap.js';
import type { Page, SessionView } from './read-model.js';
import { sessionViewsOf, type SessionRecord } from './session-view.js';

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
}

/** One page of the sessions that the filter leaves, newest start first. An open one overlaps every range after its start. */
export async function listSessions(
  db: Queryable,
  filter: SessionFilter & { page: number; perPage: number },
): Promise<Page<SessionView>> {
  const { page, perPage } = filter;
  const query = narrowed(db, filter);
  const counted = (await query.clone().count('* as count').first()) as { count: number | string };
  const rows = await newestFirst(query)
    .limit(perPage)
    .offset((page - 1) * perPage);
  return {
    items: await sessionViewsOf(db, rows as SessionRecord[]),
    total: Number(counted.count),
    page,
    perPage,
  };
}

/** Every open session that the filter leaves, newest start first. */
export async function runningSessions(db: Queryable, filter: SessionFilter = {}): Promise<SessionView[]> {
  const query = narrowed(db, { ...filter, isRunning: true });
  return sessionViewsOf(db, (await newestFirst(query)) as SessionRecord[]);
}

/** The session with that id; null when unknown. */
export async function sessionById(db: Queryable, id: number): Promise<SessionView | null> {
  const rows = (await newestFirst(sessionsOf(db)).where('e.id', id)) as SessionRecord[];
  return (await sessionViewsOf(db, rows))[0] ?? null;
}

function sessionsOf(db: Queryable): Knex.QueryBuilder {
  return db('sessions as e')
    .join('guests as g', 'g.id', 'e.guest_id')
    .join('clusters as c', 'c.id', 'g.cluster_id')
    .join('nodes as n', 'n.id', 'e.node_id');
}

function narrowed(db: Queryable, filter: SessionFilter): Knex.QueryBuilder {
  const query = sessionsOf(db);
  if (filter.vmid !== undefined) void query.where('g.vmid', filter.vmid);
  if (filter.guestId !== undefined) void query.where('e.guest_id', filter.guestId);
  if (filter.cluster !== undefined) void query.where('c.name', filter.cluster);
  if (filter.node !== undefined) hasSegmentOn(db, query, filter.node);
  if (filter.isRunning === true) void query.whereNull('e.end_at');
  if (filter.isRunning === false) void query.whereNotNull('e.end_at');
  overlapping(query, { start: 'e.start_at', end: 'e.end_at' }, filter);
  return query;
}

function hasSegmentOn(db: Queryable, query: Knex.QueryBuilder, node: string): void {
  const segments = db('segments as m')
    .join('nodes as mn', 'mn.id', 'm.node_id')
    .select('m.id')
    .whereRaw('m.session_id = e.id')
    .where('mn.name', node);
  void query.where((where) => void where.where('n.name', node).orWhereExists(segments));
}

function newestFirst(query: Knex.QueryBuilder): Knex.QueryBuilder {
  return query
    .select('e.*', 'g.vmid', 'g.type', 'g.name as guest_name', 'g.cluster_id', 'c.name as cluster', 'n.name as node')
    .orderBy([
      { column: 'e.start_at', order: 'desc' },
      { column: 'e.id', order: 'desc' },
    ]);
}
