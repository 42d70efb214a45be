import type { Interval } from '../../core/interval.js';
import type { GuestType } from '../../core/observation.js';
import { segmentsWithin, type Stretch } from '../../core/segment.js';
import type { UnprovenGap, UsageFacts, UsedSession } from '../../core/usage.js';
import type { Queryable } from '../database.js';
import { NOT_OF_LISTS } from '../stores/gaps.js';
import { inBatches } from './batches.js';
import { correctionsInForce, countingEdges, type DerivedEdges } from './corrections.js';
import { proofsOf } from './proof.js';
import { nodeSights } from './sights.js';

type SessionRow = DerivedEdges & { id: number };
type Segment = Stretch & { nodeId: number };

/** All that a guest's usage within the range rests on, as corrected: sessions that reach into it by their bounds, and the gaps of their nodes. */
export async function usageFacts(
  db: Queryable,
  guest: { id: number; type: GuestType },
  range: Interval,
  asOf: number | null = null,
): Promise<UsageFacts> {
  const corrections = await correctionsInForce(db, [guest.id]);
  const rows = (await sessionsReaching(db, guest.id, range, [...corrections.keys()])).map((row): SessionRow => {
    const correction = corrections.get(row.id);
    return correction === undefined ? row : { id: row.id, ...countingEdges(correction) };
  });
  const segments = await segmentsOf(
    db,
    rows.map((row) => row.id),
  );
  const provenUntil = rows.some((row) => row.end_at === null) ? await openProof(db, guest, asOf) : null;
  const sessions = rows.map((row) => sessionOf(row, segments.get(row.id) ?? [], provenUntil));
  const nodeIds = new Set(sessions.flatMap((session) => session.segments.map(({ nodeId }) => nodeId)));
  return { sessions, gaps: await unprovenGaps(db, [...nodeIds], range) };
}

/** When the first session of the guest began at the earliest that is known; null before the first. */
export async function firstStartOf(db: Queryable, guestId: number): Promise<number | null> {
  const first = (await db('sessions')
    .where({ guest_id: guestId })
    .orderBy('start_at')
    .first('start_at', 'start_earliest')) as { start_at: number; start_earliest: number | null } | undefined;
  return first === undefined ? null : Math.min(first.start_at, first.start_earliest ?? first.start_at);
}

/** Walks the index (guest_id, start_at): no other guest's row is read. */
async function sessionsReaching(
  db: Queryable,
  guestId: number,
  { from, to }: Interval,
  correctedIds: readonly number[],
): Promise<SessionRow[]> {
  return (await db('sessions')
    .where({ guest_id: guestId })
    .where((either) => {
      void either.whereIn('id', [...correctedIds]).orWhere((both) => {
        void both.where((start) => {
          void start.where('start_at', '<', to).orWhere('start_earliest', '<', to).orWhereNull('start_earliest');
        });
        void both.where((end) => {
          void end.whereNull('end_at').orWhere('end_at', '>=', from).orWhere('end_latest', '>', from);
        });
      });
    })
    .orderBy(['start_at', 'id'])
    .select(
      'id',
      'start_at',
      'start_earliest',
      'start_latest',
      'end_at',
      'end_earliest',
      'end_latest',
    )) as SessionRow[];
}

async function segmentsOf(db: Queryable, sessionIds: readonly number[]): Promise<Map<number, Segment[]>> {
  const rows = await inBatches(
    sessionIds,
    async (part) =>
      (await db('segments')
        .whereIn('session_id', part)
        .orderBy(['session_id', 'started_at', 'id'])
        .select('session_id', 'node_id', 'started_at', 'ended_at')) as {
        session_id: number;
        node_id: number;
        started_at: number;
        ended_at: number | null;
      }[],
  );
  const segments = new Map<number, Segment[]>();
  for (const row of rows) {
    const of = segments.get(row.session_id) ?? [];
    of.push({ nodeId: row.node_id, startedAt: row.started_at, endedAt: row.ended_at });
    segments.set(row.session_id, of);
  }
  return segments;
}

async function openProof(
  db: Queryable,
  guest: { id: number; type: GuestType },
  asOf: number | null,
): Promise<number | null> {
  const proofs = await proofsOf(db, [{ ...guest, isOpen: true }], await nodeSights(db, asOf));
  return proofs.get(guest.id)?.provenUntil ?? null;
}

function sessionOf(row: SessionRow, segments: readonly Segment[], provenUntil: number | null): UsedSession {
  const { end_at: endAt } = row;
  return {
    start: { at: row.start_at, earliest: row.start_earliest, latest: row.start_latest },
    end: endAt === null ? null : { at: endAt, earliest: row.end_earliest, latest: row.end_latest ?? endAt },
    provenUntil: Math.max(row.start_at, provenUntil ?? row.start_at),
    segments: segmentsWithin(segments, row.start_at, endAt),
  };
}

/** Gaps in which guests were not seen; a lost log and a set clock hide no list. */
async function unprovenGaps(db: Queryable, nodeIds: readonly number[], { from, to }: Interval): Promise<UnprovenGap[]> {
  const rows = await inBatches(
    nodeIds,
    async (part) =>
      (await db('gaps')
        .whereIn('node_id', part)
        .where('is_proven', 0)
        .whereNotIn('reason', [...NOT_OF_LISTS])
        .where('started_at', '<', to)
        .where((end) => void end.whereNull('ended_at').orWhere('ended_at', '>', from))
        .select('node_id', 'started_at', 'ended_at')) as {
        node_id: number;
        started_at: number;
        ended_at: number | null;
      }[],
  );
  return rows.map((row) => ({ nodeId: row.node_id, startedAt: row.started_at, endedAt: row.ended_at }));
}
