import type { GuestState } from '../../core/guest.js';
import { sizedSegments, type SizedSegment } from '../../core/profile.js';
import { filled } from '../../core/ordered.js';
import type { Session } from '../../core/session.js';
import type { Trx } from '../database.js';
import { insertRows, updateRows } from './bulk.js';

/** A session whose segments are to be written. */
export interface SegmentedSession {
  sessionId: number;
  session: Session;
  guest: GuestState;
  /** True where it is of the guest's present incarnation. */
  isPresent: boolean;
  /** True where nothing of it is stored yet. */
  isNew: boolean;
}

/** The sessions' stretches by node and size. Of an incarnation that is over no size is known but the one written in its time. */
export async function writeSegments(trx: Trx, sessions: readonly SegmentedSession[]): Promise<void> {
  const stored = await storedSegments(
    trx,
    sessions.filter(({ isNew }) => !isNew).map(({ sessionId }) => sessionId),
  );
  const updated: Record<string, unknown>[] = [];
  const inserted: Record<string, unknown>[] = [];
  const gone: number[] = [];
  for (const { sessionId, session, guest, isPresent } of sessions) {
    const known = stored.get(sessionId) ?? [];
    const sized = isPresent ? sizedSegments(session, guest.profile, guest.changes) : resized(session, known);
    for (const [k, segment] of sized.entries()) {
      const id = known[k]?.id;
      if (id === undefined) inserted.push(rowOf(sessionId, segment));
      else updated.push({ ...rowOf(sessionId, segment), id });
    }
    gone.push(...known.slice(sized.length).map(({ id }) => id));
  }
  await updateRows(trx, 'segments', 'id', updated);
  await insertRows(trx, 'segments', inserted);
  for (let k = 0; k < gone.length; k += ASKED) {
    await trx('segments')
      .whereIn('id', gone.slice(k, k + ASKED))
      .delete();
  }
}

/** Lays the session's stored stretches anew between its edges as derived, in their order: those that nothing is left of go. */
export async function laySegments(trx: Trx, sessionId: number, startAt: number, endAt: number | null): Promise<void> {
  const rows = (await trx('segments')
    .where({ session_id: sessionId })
    .orderBy('started_at')
    .orderBy('id')
    .select('id', 'started_at', 'ended_at')) as { id: number; started_at: number; ended_at: number | null }[];
  const laid = filled(
    rows.map(({ id, started_at: startedAt, ended_at: endedAt }) => ({ id, startedAt, endedAt })),
    startAt,
    endAt,
  );
  for (const { id, startedAt, endedAt } of laid) {
    const isEmpty = startedAt === endedAt && startAt !== endAt;
    if (isEmpty) await trx('segments').where({ id }).delete();
    else await trx('segments').where({ id }).update({ started_at: startedAt, ended_at: endedAt });
  }
}

/** Ids that one statement names. */
const ASKED = 100;

function rowOf(sessionId: number, segment: SizedSegment): Record<string, unknown> {
  const { nodeId, startedAt, endedAt, cores, memoryBytes } = segment;
  return {
    session_id: sessionId,
    node_id: nodeId,
    started_at: startedAt,
    ended_at: endedAt,
    cores,
    memory_bytes: memoryBytes,
  };
}

interface StoredSegment {
  id: number;
  session_id: number;
  started_at: number;
  cores: number | null;
  memory_bytes: number | null;
}

async function storedSegments(trx: Trx, sessionIds: readonly number[]): Promise<Map<number, StoredSegment[]>> {
  const stored = new Map<number, StoredSegment[]>();
  for (let k = 0; k < sessionIds.length; k += ASKED) {
    const rows = (await trx('segments')
      .whereIn('session_id', sessionIds.slice(k, k + ASKED))
      .orderBy('started_at')
      .orderBy('id')
      .select('id', 'session_id', 'started_at', 'cores', 'memory_bytes')) as StoredSegment[];
    for (const row of rows) stored.set(row.session_id, [...(stored.get(row.session_id) ?? []), row]);
  }
  return stored;
}

/** Splits the segments where the stored ones were split, each with the size stored there. */
function resized(session: Session, known: readonly StoredSegment[]): SizedSegment[] {
  return session.segments.flatMap(({ nodeId, startedAt, endedAt }) => {
    const cuts = known
      .map((one) => one.started_at)
      .filter((at) => startedAt < at && (endedAt === null || at < endedAt));
    const starts = [startedAt, ...cuts];
    return starts.map((start, k) => {
      const stored = known.findLast((one) => one.started_at <= start) ?? known[0];
      const size = { cores: stored?.cores ?? null, memoryBytes: stored?.memory_bytes ?? null };
      return { nodeId, startedAt: start, endedAt: starts[k + 1] ?? endedAt, ...size };
    });
  });
}
