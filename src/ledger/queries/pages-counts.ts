import type { Queryable } from '../database.js';
import { correctionsInForce } from './corrections.js';
import { guestViewsOf, type GuestRecord } from './guest-view.js';
import type { GuestView } from './read-model.js';
import { nodeSights } from './sights.js';

/** How many sessions began at or after the instant. */
export async function startsSince(db: Queryable, since: number): Promise<number> {
  const row = (await db('sessions').where('start_at', '>=', since).count('* as count').first()) as {
    count: number | string;
  };
  return Number(row.count);
}

/** Open sessions by the node that they run on, by its wire name: also of nodes that are not seen. */
export async function openSessionsByNode(db: Queryable): Promise<Map<string, number>> {
  const ended = [...(await correctionsInForce(db)).values()].filter((one) => one.endAt !== null).map((one) => one.id);
  const rows = (await db('sessions as e')
    .join('nodes as n', 'n.id', 'e.node_id')
    .whereNotNull('e.open_guest_id')
    .whereNotIn('e.id', ended)
    .groupBy('n.name')
    .select('n.name')
    .count('* as count')) as { name: string; count: number | string }[];
  return new Map(rows.map((row) => [row.name, Number(row.count)]));
}

/** These guests in the order of their ids as given, also those that are gone; unknown ids are left out. */
export async function guestsByIds(db: Queryable, ids: readonly number[]): Promise<GuestView[]> {
  if (ids.length === 0) return [];
  const rows = (await db('guests as g')
    .join('nodes as n', 'n.id', 'g.node_id')
    .join('clusters as c', 'c.id', 'g.cluster_id')
    .leftJoin('spans as s', 's.open_guest_id', 'g.id')
    .leftJoin('sessions as o', 'o.open_guest_id', 'g.id')
    .whereIn('g.id', [...ids])
    .select('g.*', 'n.name as node', 'c.name as cluster', 's.state as span_state', 's.node_id as span_node_id')
    .select('o.id as open_session_id', 'o.start_at as open_start_at')) as GuestRecord[];
  const views = await guestViewsOf(db, rows, await nodeSights(db));
  const byId = new Map(views.map((view) => [view.id, view]));
  return ids.map((id) => byId.get(id)).filter((view) => view !== undefined);
}
