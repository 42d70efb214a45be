import type { CheckedEdge, CheckedGuest, CheckedSession } from '../../core/finding.js';
import type { GuestType } from '../../core/observation.js';
import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import { correctionsInForce, type CorrectedSession } from './corrections.js';
import { proofsOf } from './proof.js';
import type { NodeSight } from './sights.js';

/** A row of guests. */
export interface CheckedGuestRow {
  id: number;
  type: GuestType;
  vmid: number;
  name: string | null;
  destroyed_at: number | null;
  destroyed_earliest: number | null;
  destroyed_latest: number | null;
}

interface SessionRow {
  id: number;
  guest_id: number;
  start_at: number;
  start_earliest: number | null;
  start_latest: number;
  end_at: number | null;
  end_earliest: number | null;
  end_latest: number | null;
}

interface SegmentRow {
  session_id: number;
  node_id: number;
  started_at: number;
  ended_at: number | null;
}

interface ConflictRow {
  id: number;
  guest_id: number;
  session_id: number | null;
  edge: string;
  kept: string;
  set_aside: string;
}

/** These guests with all that the sanity checker judges; asked once for all of them. */
export async function checkedGuests(
  db: Queryable,
  rows: readonly CheckedGuestRow[],
  sights: ReadonlyMap<number, NodeSight>,
): Promise<CheckedGuest[]> {
  const ids = rows.map((row) => row.id);
  const sessions = (await db('sessions').whereIn('guest_id', ids).orderBy('id')) as SessionRow[];
  const segments = (await inBatches(
    sessions.map((row) => row.id),
    async (part) => (await db('segments').whereIn('session_id', part).orderBy(['started_at', 'id'])) as SegmentRow[],
  )) as SegmentRow[];
  const conflicts = (await db('evidence_conflicts').whereIn('guest_id', ids).orderBy('id')) as ConflictRow[];
  const corrections = await correctionsInForce(db, ids);
  const open = new Set(sessions.filter((row) => row.end_at === null).map((row) => row.guest_id));
  const proofs = await proofsOf(
    db,
    rows.filter((row) => open.has(row.id)).map(({ id, type }) => ({ id, type, isOpen: true })),
    sights,
  );
  const bySession = grouped(segments, (segment) => segment.session_id);
  const byGuest = grouped(sessions, (session) => session.guest_id);
  const conflictsByGuest = grouped(conflicts, (conflict) => conflict.guest_id);
  return rows.map((row) => ({
    id: row.id,
    type: row.type,
    vmid: row.vmid,
    name: row.name,
    destroyed: destroyedOf(row),
    sessions: (byGuest.get(row.id) ?? []).map((session) => {
      const provenUntil = proofs.get(row.id)?.provenUntil ?? session.start_at;
      return sessionOf(session, bySession.get(session.id) ?? [], corrections.get(session.id) ?? null, provenUntil);
    }),
    conflicts: (conflictsByGuest.get(row.id) ?? []).map((one) => ({
      id: one.id,
      sessionId: one.session_id,
      edge: one.edge,
      kept: one.kept,
      setAside: one.set_aside,
    })),
  }));
}

function grouped<T>(rows: readonly T[], by: (row: T) => number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const group = groups.get(by(row));
    if (group === undefined) groups.set(by(row), [row]);
    else group.push(row);
  }
  return groups;
}

function destroyedOf(row: CheckedGuestRow): CheckedGuest['destroyed'] {
  const { destroyed_at: at, destroyed_earliest: earliest, destroyed_latest: latest } = row;
  return at === null ? null : { at, earliest: earliest ?? at, latest: latest ?? at };
}

function sessionOf(
  row: SessionRow,
  segments: readonly SegmentRow[],
  correction: CorrectedSession | null,
  provenUntil: number,
): CheckedSession {
  const end: CheckedEdge | null =
    row.end_at === null
      ? null
      : {
          at: row.end_at,
          earliest: row.end_earliest,
          latest: row.end_latest ?? row.end_at,
          correctedAt: correction?.endAt ?? null,
        };
  return {
    id: row.id,
    start: {
      at: row.start_at,
      earliest: row.start_earliest,
      latest: row.start_latest,
      correctedAt: correction?.startAt ?? null,
    },
    end,
    correctedEndAt: end === null ? (correction?.endAt ?? null) : null,
    provenUntil: Math.max(provenUntil, row.start_at),
    segments: segments.map((segment) => ({
      nodeId: segment.node_id,
      startedAt: segment.started_at,
      endedAt: segment.ended_at,
    })),
  };
}
