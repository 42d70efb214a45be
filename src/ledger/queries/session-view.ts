import type { EndReason, Evidence } from '../../core/evidence.js';
import type { GuestType } from '../../core/observation.js';
import { segmentsWithin } from '../../core/segment.js';
import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import { correctionsInForce, countingEdges, type CorrectedSession } from './corrections.js';
import { pausedWithin, pausesOf } from './pauses.js';
import { proofsOf } from './proof.js';
import type { EdgeView, PauseView, SegmentView, SessionView } from './read-model.js';
import { namesOf } from './records.js';
import { nodeSights } from './sights.js';

/** A row of sessions joined with its guest, cluster and last node. */
export interface SessionRecord {
  id: number;
  guest_id: number;
  cluster_id: number;
  cluster: string;
  vmid: number;
  type: GuestType;
  guest_name: string | null;
  guest_current_vmid: number | null;
  guest_destroyed_at: number | null;
  /** Empty where the session has no segment. */
  node: string;
  start_at: number;
  start_earliest: number | null;
  start_latest: number;
  start_evidence: Evidence;
  start_upid: string | null;
  end_at: number | null;
  end_earliest: number | null;
  end_latest: number | null;
  end_evidence: Evidence | null;
  end_reason: EndReason | null;
  stop_upid: string | null;
  user: string | null;
  created_at: number;
}

interface SegmentRow {
  session_id: number;
  node_id: number;
  started_at: number;
  ended_at: number | null;
  cores: number | null;
  memory_bytes: number | null;
}

/**
 * The views of these rows in their order, with the corrections in force: segments, pauses and proofs are asked once for all
 * of them. A corrected edge has the evidence `manual`, and segments are cut to what counts. `asOf` as in nodeSights.
 */
export async function sessionViewsOf(
  db: Queryable,
  derived: readonly SessionRecord[],
  asOf: number | null = null,
): Promise<SessionView[]> {
  if (derived.length === 0) return [];
  const corrections = await correctionsInForce(db, [...new Set(derived.map((row) => row.guest_id))]);
  const rows = derived.map((row) => corrected(row, corrections.get(row.id) ?? null));
  const ids = rows.map((row) => row.id);
  const segments = await segmentsOf(db, ids);
  const pauses = await pausesOf(db, ids);
  const proofs = await openProofs(db, rows, asOf);
  return rows.map((row) =>
    viewOf(row, segments.get(row.id) ?? [], pauses.get(row.id) ?? [], proofs.get(row.guest_id) ?? null),
  );
}

function corrected(row: SessionRecord, correction: CorrectedSession | null): SessionRecord {
  if (correction === null) return row;
  return {
    ...row,
    ...countingEdges(correction),
    ...(correction.startAt === null ? {} : { start_evidence: 'manual' as const }),
    ...(correction.endAt === null ? {} : { end_evidence: 'manual' as const, end_reason: row.end_reason ?? 'manual' }),
  };
}

async function openProofs(
  db: Queryable,
  rows: readonly SessionRecord[],
  asOf: number | null,
): Promise<Map<number, number | null>> {
  const open = rows
    .filter((row) => row.end_at === null)
    .map((row) => ({ id: row.guest_id, type: row.type, isOpen: true }));
  if (open.length === 0) return new Map();
  const proofs = await proofsOf(db, open, await nodeSights(db, asOf));
  return new Map([...proofs].map(([guestId, proof]) => [guestId, proof.provenUntil]));
}

async function segmentsOf(db: Queryable, sessionIds: readonly number[]): Promise<Map<number, SegmentView[]>> {
  const rows = await inBatches(
    sessionIds,
    async (part) =>
      (await db('segments')
        .whereIn('session_id', part)
        .orderBy(['session_id', 'started_at', 'id'])
        .select('session_id', 'node_id', 'started_at', 'ended_at', 'cores', 'memory_bytes')) as SegmentRow[],
  );
  const { nodes } = await namesOf(db);
  const segments = new Map<number, SegmentView[]>();
  for (const row of rows) {
    const of = segments.get(row.session_id) ?? [];
    of.push({
      node: nodes.get(row.node_id) ?? '',
      startedAt: row.started_at,
      endedAt: row.ended_at,
      cores: row.cores,
      memoryBytes: row.memory_bytes,
    });
    segments.set(row.session_id, of);
  }
  return segments;
}

function viewOf(
  row: SessionRecord,
  segments: SegmentView[],
  pauses: PauseView[],
  openUntil: number | null,
): SessionView {
  const end = endOf(row);
  const provenUntil = end?.at ?? Math.max(row.start_at, openUntil ?? row.start_at);
  return {
    id: row.id,
    guestId: row.guest_id,
    clusterId: row.cluster_id,
    cluster: row.cluster,
    vmid: row.vmid,
    type: row.type,
    guestName: row.guest_name,
    isGuestPresent: row.guest_current_vmid !== null && row.guest_destroyed_at === null,
    node: row.node,
    start: { at: row.start_at, earliest: row.start_earliest, latest: row.start_latest, evidence: row.start_evidence },
    end,
    endReason: row.end_reason,
    startUpid: row.start_upid,
    stopUpid: row.stop_upid,
    user: row.user,
    provenUntil,
    durationMs: Math.max(0, provenUntil - row.start_at),
    segments: segmentsWithin(segments, row.start_at, end?.at ?? null),
    ...pausedWithin(pauses, { from: row.start_at, to: end?.at ?? null, until: provenUntil }),
    createdAt: row.created_at,
  };
}

function endOf(row: SessionRecord): EdgeView | null {
  if (row.end_at === null) return null;
  return {
    at: row.end_at,
    earliest: row.end_earliest,
    latest: row.end_latest ?? row.end_at,
    evidence: row.end_evidence ?? 'poll',
  };
}
