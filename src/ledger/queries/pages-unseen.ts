import type { Queryable } from '../database.js';

export interface Unseen {
  /** Guest time that lies in gaps and is not proven: it may have been running or not. */
  unseenMs: number;
  /** The part of it that goes on now, beyond the last proof of open sessions. */
  openMs: number;
  /** Guest time in gaps that later evidence proved. */
  provenLaterMs: number;
}

interface OverlapRow {
  is_proven: number;
  is_open: number;
  total: number | string | null;
}

/**
 * How much of the sessions' time within [from, to) lies in gaps of the node that they ran on (ledger rules 1 and 21); of
 * one guest where it is named. What is open reaches to asOf.
 */
export async function unseenWithin(
  db: Queryable,
  range: { from: number; to: number },
  asOf: number,
  guestId: number | null = null,
): Promise<Unseen> {
  const to = Math.min(range.to, asOf);
  const found: Unseen = { unseenMs: 0, openMs: 0, provenLaterMs: 0 };
  for (const row of await overlaps(db, { from: range.from, to }, guestId)) {
    const total = Number(row.total);
    if (row.is_proven === 1) found.provenLaterMs += total;
    else found.unseenMs += total;
    if (row.is_proven !== 1 && row.is_open === 1) found.openMs += total;
  }
  return found;
}

async function overlaps(
  db: Queryable,
  { from, to }: { from: number; to: number },
  guestId: number | null,
): Promise<OverlapRow[]> {
  const gapEnd = 'coalesce(p.ended_at, ?)';
  const partEnd = 'coalesce(m.ended_at, ?)';
  const start = `(case when p.started_at > m.started_at then p.started_at else m.started_at end)`;
  const end = `(case when ${gapEnd} < ${partEnd} then ${gapEnd} else ${partEnd} end)`;
  const late = `(case when ${start} < ? then ? else ${start} end)`;
  const early = `(case when ${end} > ? then ? else ${end} end)`;
  const ends = [to, to, to, to];
  // Cross joins keep SQLite to this order, which has an index at each step; segments have none by node.
  const query = db('sessions as e')
    .joinRaw('cross join segments as m')
    .joinRaw('cross join gaps as p')
    .whereRaw('m.session_id = e.id and p.node_id = m.node_id')
    // A lost log and a set clock hide no list: guests were seen meanwhile, or another gap says that they were not.
    .whereNotIn('p.reason', ['log_rotated', 'clock_step'])
    .where('p.started_at', '<', to)
    .where((where) => void where.whereNull('p.ended_at').orWhere('p.ended_at', '>', from))
    .where('e.start_at', '<', to)
    .where((where) => void where.whereNull('e.end_at').orWhere('e.end_at', '>', from))
    .whereRaw(`m.started_at < ${gapEnd} and ${partEnd} > p.started_at`, [to, to])
    .whereRaw(`m.started_at < ? and ${partEnd} > ?`, [to, to, from])
    .groupBy('p.is_proven')
    .groupByRaw('case when p.ended_at is null then 1 else 0 end')
    .select('p.is_proven', db.raw('case when p.ended_at is null then 1 else 0 end as is_open'))
    .select(db.raw(`sum(${early} - ${late}) as total`, [...ends, to, to, ...ends, from, from]));
  if (guestId !== null) void query.where('e.guest_id', guestId);
  return (await query) as OverlapRow[];
}
