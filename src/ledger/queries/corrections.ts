import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import type { Page } from './read-model.js';

/** Sessions that people corrected, as they count; they are few, so every sum takes them out of its SQL and adds them by hand. */

export interface CorrectedSession {
  id: number;
  guestId: number;
  /** Null where the edge is as derived. */
  startAt: number | null;
  /** Null where the edge is as derived. */
  endAt: number | null;
  derived: DerivedEdges;
}

export interface DerivedEdges {
  start_at: number;
  start_earliest: number | null;
  start_latest: number;
  end_at: number | null;
  end_earliest: number | null;
  end_latest: number | null;
}

interface CorrectionRow extends DerivedEdges {
  id: number;
  guest_id: number;
  field: 'start' | 'end';
  derived_at: number | null;
  corrected_at: number | null;
}

/**
 * The corrections in force by session id, of all guests where none are named: of each edge the newest word, for as long as
 * the edge is derived as it was when the word was given (ledger rule 25).
 */
export async function correctionsInForce(
  db: Queryable,
  guestIds: readonly number[] | null = null,
): Promise<Map<number, CorrectedSession>> {
  const rows = guestIds === null ? await askRows(db, null) : await inBatches(guestIds, (part) => askRows(db, part));
  const found = new Map<number, CorrectedSession>();
  for (const row of rows) {
    const known = found.get(row.id) ?? { id: row.id, guestId: row.guest_id, startAt: null, endAt: null, derived: row };
    const isStill = row.derived_at === (row.field === 'start' ? row.start_at : row.end_at);
    const at = isStill ? row.corrected_at : null;
    found.set(row.id, row.field === 'start' ? { ...known, startAt: at } : { ...known, endAt: at });
  }
  return new Map([...found].filter(([, { startAt, endAt }]) => startAt !== null || endAt !== null));
}

async function askRows(db: Queryable, guestIds: number[] | null): Promise<CorrectionRow[]> {
  const query = db('session_corrections as c')
    .join('sessions as e', 'e.id', 'c.session_id')
    .whereIn('c.field', ['start', 'end'])
    .orderBy('c.id')
    .select('e.id', 'e.guest_id', 'c.field', 'c.derived_at', 'c.corrected_at')
    .select('e.start_at', 'e.start_earliest', 'e.start_latest', 'e.end_at', 'e.end_earliest', 'e.end_latest');
  if (guestIds !== null) void query.whereIn('e.guest_id', guestIds);
  return (await query) as CorrectionRow[];
}

/** The session's edges as they count: a corrected one is known to the instant that was said. */
export function countingEdges({ startAt, endAt, derived }: CorrectedSession): DerivedEdges {
  const start = startAt === null ? {} : { start_at: startAt, start_earliest: startAt, start_latest: startAt };
  const end = endAt === null ? {} : { end_at: endAt, end_earliest: endAt, end_latest: endAt };
  const { start_at, start_earliest, start_latest, end_at, end_earliest, end_latest } = derived;
  return { start_at, start_earliest, start_latest, end_at, end_earliest, end_latest, ...start, ...end };
}

export interface CorrectionView {
  id: number;
  guestId: number;
  sessionId: number | null;
  field: 'start' | 'end' | 'segments' | 'accept';
  derivedAt: number | null;
  correctedAt: number | null;
  finding: string;
  sentence: string;
  reason: string;
  actor: string;
  createdAt: number;
}

interface StoredCorrection {
  id: number;
  guest_id: number;
  session_id: number | null;
  field: CorrectionView['field'];
  derived_at: number | null;
  corrected_at: number | null;
  finding: string;
  sentence: string;
  reason: string;
  actor: string;
  created_at: number;
}

/** One page of every word that was given, newest first, also of those not in force any more. */
export async function listCorrections(
  db: Queryable,
  { page, perPage }: { page: number; perPage: number },
): Promise<Page<CorrectionView>> {
  const counted = (await db('session_corrections').count('* as count').first()) as { count: number | string };
  const rows = (await db('session_corrections')
    .orderBy('id', 'desc')
    .limit(perPage)
    .offset((page - 1) * perPage)) as StoredCorrection[];
  const items = rows.map((row) => ({
    id: row.id,
    guestId: row.guest_id,
    sessionId: row.session_id,
    field: row.field,
    derivedAt: row.derived_at,
    correctedAt: row.corrected_at,
    finding: row.finding,
    sentence: row.sentence,
    reason: row.reason,
    actor: row.actor,
    createdAt: row.created_at,
  }));
  return { items, total: Number(counted.count), page, perPage };
}
