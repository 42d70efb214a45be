import type { Queryable } from '../database.js';
import { listGaps } from './gaps.js';
import type { GapView, SessionView } from './read-model.js';
import { sessionViewsOf, type SessionRecord } from './session-view.js';

export interface RecentChanges {
  started: SessionView[];
  ended: SessionView[];
  /** Sessions with a segment that began within the range, after their first. */
  moved: SessionView[];
  gaps: GapView[];
}

/** The newest changes within [from, to): at most `limit` of each kind, newest first. */
export async function recentChanges(
  db: Queryable,
  { from, to }: { from: number; to: number },
  limit: number,
): Promise<RecentChanges> {
  const sessions = async (column: 'e.start_at' | 'e.end_at'): Promise<SessionView[]> => {
    const rows = sessionRows(db).where(column, '>=', from).where(column, '<', to).orderBy(column, 'desc').limit(limit);
    return sessionViewsOf(db, (await rows) as SessionRecord[]);
  };
  const gaps = await listGaps(db, { from, to, page: 1, perPage: limit });
  return {
    started: await sessions('e.start_at'),
    ended: await sessions('e.end_at'),
    moved: await movedSessions(db, { from, to }, limit),
    gaps: gaps.items.filter((gap) => gap.startedAt >= from || (gap.endedAt ?? 0) >= from),
  };
}

async function movedSessions(
  db: Queryable,
  { from, to }: { from: number; to: number },
  limit: number,
): Promise<SessionView[]> {
  const rows = sessionRows(db)
    .join('segments as m', 'm.session_id', 'e.id')
    .join('segments as b', 'b.session_id', 'e.id')
    .where((where) => void where.whereNull('e.end_at').orWhere('e.end_at', '>=', from))
    .where('m.started_at', '>=', from)
    .where('m.started_at', '<', to)
    .whereRaw('b.ended_at = m.started_at and b.node_id <> m.node_id')
    .orderBy('m.started_at', 'desc')
    .limit(limit);
  const found = new Map(((await rows) as SessionRecord[]).map((row) => [row.id, row]));
  return sessionViewsOf(db, [...found.values()]);
}

/** Sessions of these guests that overlap [from, to), oldest first. */
export async function sessionsOfGuests(
  db: Queryable,
  guestIds: readonly number[],
  { from, to }: { from: number; to: number },
): Promise<SessionView[]> {
  const rows = sessionRows(db)
    .whereIn('e.guest_id', [...guestIds])
    .where('e.start_at', '<', to)
    .where((where) => void where.whereNull('e.end_at').orWhere('e.end_at', '>', from))
    .orderBy('e.start_at');
  return sessionViewsOf(db, (await rows) as SessionRecord[]);
}

/** Gaps of these nodes (wire names) that overlap [from, to), at most 500 of them. */
export async function gapsOfNodes(
  db: Queryable,
  nodes: ReadonlySet<string>,
  { from, to }: { from: number; to: number },
): Promise<GapView[]> {
  const { items } = await listGaps(db, { from, to, page: 1, perPage: 500 });
  return items.filter((gap) => nodes.has(gap.node));
}

/** Ids of the guests with the newest changes within [from, to), newest first. */
export async function changedGuestIds(
  db: Queryable,
  { from, to }: { from: number; to: number },
  limit: number,
): Promise<number[]> {
  const newest = new Map<number, number>();
  for (const column of ['start_at', 'end_at'] as const) {
    const rows = (await db('sessions')
      .where(column, '>=', from)
      .where(column, '<', to)
      .groupBy('guest_id')
      .select('guest_id')
      .max(`${column} as at`)
      .orderBy('at', 'desc')
      .limit(limit)) as { guest_id: number; at: number | string }[];
    for (const row of rows) newest.set(row.guest_id, Math.max(Number(row.at), newest.get(row.guest_id) ?? 0));
  }
  for (const session of await movedSessions(db, { from, to }, limit)) {
    const movedAt = session.segments.at(-1)?.startedAt ?? 0;
    newest.set(session.guestId, Math.max(movedAt, newest.get(session.guestId) ?? 0));
  }
  return [...newest]
    .sort((a, b) => b[1] - a[1])
    .slice(0, limit)
    .map(([id]) => id);
}

function sessionRows(db: Queryable): ReturnType<Queryable> {
  return db('sessions as e')
    .join('guests as g', 'g.id', 'e.guest_id')
    .join('clusters as c', 'c.id', 'g.cluster_id')
    .join('nodes as n', 'n.id', 'e.node_id')
    .select('e.*', 'g.vmid', 'g.type', 'g.name as guest_name', 'g.cluster_id', 'c.name as cluster', 'n.name as node')
    .select('g.current_vmid as guest_current_vmid', 'g.destroyed_at as guest_destroyed_at');
}
