import { common, msWithin, type Interval } from '../../core/interval.js';
import { segmentsWithin } from '../../core/segment.js';
import type { Queryable } from '../database.js';
import { NOT_OF_LISTS } from '../stores/gaps.js';
import { inBatches } from './batches.js';
import { correctionsInForce, countingEdges, type CorrectedSession } from './corrections.js';

export interface Unseen {
  /** Guest time that lies in gaps and is not proven: it may have been running or not. */
  unseenMs: number;
  /** The part of it that goes on now, beyond the last proof of open sessions. */
  openMs: number;
  /** Guest time in gaps that later evidence proved. */
  provenLaterMs: number;
}

interface SegmentRow {
  session_id: number;
  node_id: number;
  started_at: number;
  ended_at: number | null;
}

interface GapRow {
  node_id: number;
  started_at: number;
  ended_at: number | null;
  is_proven: number;
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
  const corrections = await correctionsInForce(db, guestId === null ? null : [guestId]);
  const corrected = await correctedOverlaps(db, { from: range.from, to }, [...corrections.values()]);
  for (const row of [
    ...(await overlaps(db, { from: range.from, to }, guestId, [...corrections.keys()])),
    ...corrected,
  ]) {
    const total = Number(row.total);
    if (row.is_proven === 1) found.provenLaterMs += total;
    else found.unseenMs += total;
    if (row.is_proven !== 1 && row.is_open === 1) found.openMs += total;
  }
  return found;
}

/** What the corrected sessions have of gaps, by the edges that count: they are few, so their rows are read. */
async function correctedOverlaps(
  db: Queryable,
  range: Interval,
  corrections: readonly CorrectedSession[],
): Promise<OverlapRow[]> {
  const ids = corrections.map((one) => one.id);
  const segments = await inBatches(
    ids,
    async (part) =>
      (await db('segments').whereIn('session_id', part).orderBy(['session_id', 'started_at', 'id'])) as SegmentRow[],
  );
  const gaps = await inBatches([...new Set(segments.map((one) => one.node_id))], (part) => gapsOf(db, part, range));
  return corrections.flatMap((one) => {
    const { start_at: from, end_at: to } = countingEdges(one);
    const own = segments
      .filter((segment) => segment.session_id === one.id)
      .map((segment) => ({ nodeId: segment.node_id, startedAt: segment.started_at, endedAt: segment.ended_at }));
    return segmentsWithin(own, from, to).flatMap((segment) =>
      gaps
        .filter((gap) => gap.node_id === segment.nodeId)
        .map((gap): OverlapRow => {
          const part = common({ from: segment.startedAt, to: segment.endedAt ?? range.to }, range);
          const dark = { from: gap.started_at, to: gap.ended_at ?? range.to };
          const total = part === null ? 0 : msWithin(part, dark);
          return { is_proven: gap.is_proven, is_open: gap.ended_at === null ? 1 : 0, total };
        }),
    );
  });
}

async function gapsOf(db: Queryable, nodeIds: number[], { from, to }: Interval): Promise<GapRow[]> {
  return (await db('gaps')
    .whereIn('node_id', nodeIds)
    .whereNotIn('reason', [...NOT_OF_LISTS])
    .where('started_at', '<', to)
    .where((end) => void end.whereNull('ended_at').orWhere('ended_at', '>', from))
    .select('node_id', 'started_at', 'ended_at', 'is_proven')) as GapRow[];
}

async function overlaps(
  db: Queryable,
  { from, to }: { from: number; to: number },
  guestId: number | null,
  correctedIds: readonly number[],
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
    .whereNotIn('p.reason', [...NOT_OF_LISTS])
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
  if (correctedIds.length > 0) void query.whereNotIn('e.id', [...correctedIds]);
  return (await query) as OverlapRow[];
}
