import { lifeAt, type GuestState, type StoredSession } from '../../core/guest.js';
import { isSameSession, pairSessions, type Edge, type Session } from '../../core/session.js';
import { isResize, sizedSegments, type ProfileChange, type SizedSegment } from '../../core/profile.js';
import type { Trx } from '../database.js';

/** What differed, for the report of the poll. */
export interface SessionDifference {
  created: StoredSession[];
  updated: { before: Session; after: StoredSession }[];
  removedCount: number;
  /** All sessions of the guest as they are stored now, in order. */
  sessions: StoredSession[];
}

/**
 * Makes the stored sessions of one guest those that were derived, writing only what differs; ids carry over by overlap.
 * Removed ones go first and the rest follows in time order, so that never two are open at once.
 */
export async function writeDifference(
  trx: Trx,
  guest: GuestState,
  before: GuestState | null,
  derived: readonly Session[],
  now: number,
): Promise<SessionDifference> {
  const { pairs, gone } = pairSessions(before?.sessions ?? [], derived);
  const newChanges = guest.changes.filter((change) => before?.changes.includes(change) !== true);
  const difference: SessionDifference = { created: [], updated: [], removedCount: gone.length, sessions: [] };
  for (const one of gone) await removeSession(trx, one.id);
  for (const { session, stored: known } of pairs) {
    const guestId = ownerOf(guest, session);
    if (known === null) {
      const made = { id: await insertSession(trx, guestId, session, now), guestId, session };
      await writeSegments(trx, made.id, session, guest, true);
      difference.created.push(made);
      difference.sessions.push(made);
      continue;
    }
    const next = { id: known.id, guestId, session };
    difference.sessions.push(next);
    const isSame = known.guestId === guestId && isSameSession(known.session, session);
    if (isSame && !isResized(guest, session, newChanges)) continue;
    if (!isSame) {
      await trx('sessions')
        .where({ id: known.id })
        .update({ ...sessionRow(guestId, session), updated_at: now });
    }
    await writeSegments(trx, known.id, session, guest, false);
    difference.updated.push({ before: known.session, after: next });
  }
  return difference;
}

function ownerOf(guest: GuestState, session: Session): number {
  const { id } = lifeAt(guest.lives, session.start.at);
  if (id === null) throw new Error(`the incarnation of ${guest.type} ${guest.vmid} was not stored before its sessions`);
  return id;
}

async function removeSession(trx: Trx, id: number): Promise<void> {
  await trx('segments').where({ session_id: id }).delete();
  await trx('sessions').where({ id }).delete();
}

async function insertSession(trx: Trx, guestId: number, session: Session, now: number): Promise<number> {
  const [id] = (await trx('sessions').insert({
    ...sessionRow(guestId, session),
    created_at: now,
    updated_at: now,
  })) as number[];
  if (id === undefined) throw new Error('the database gave a new session no id');
  return id;
}

function sessionRow(guestId: number, session: Session): Record<string, unknown> {
  assertOrder(session);
  const { start, end } = session;
  return {
    guest_id: guestId,
    open_guest_id: end === null ? guestId : null,
    start_at: start.at,
    start_earliest: start.earliest,
    start_latest: start.latest,
    start_evidence: start.evidence,
    start_proof: JSON.stringify(start.proofs),
    start_upid: start.upid,
    end_at: end?.at ?? null,
    end_earliest: end?.earliest ?? null,
    end_latest: end?.latest ?? null,
    end_evidence: end?.evidence ?? null,
    end_proof: end === null ? null : JSON.stringify(end.proofs),
    end_reason: session.endReason,
    stop_upid: end?.upid ?? null,
    user: session.user,
    node_id: session.segments.at(-1)?.nodeId ?? null,
  };
}

/** What is written must be true of every session: bounds hold their instant, and no end lies before its start. */
function assertOrder({ start, end }: Session): void {
  const holds = (edge: Edge): boolean => (edge.earliest ?? edge.at) <= edge.at && edge.at <= edge.latest;
  if (!holds(start) || (end !== null && (!holds(end) || end.at < start.at))) {
    throw new Error(`a session out of order was derived: ${JSON.stringify({ start, end })}`);
  }
}

/** True where a resize that was not known before may lie within the session. */
function isResized(guest: GuestState, session: Session, newChanges: readonly ProfileChange[]): boolean {
  if (ownerOf(guest, session) !== guest.lives.at(-1)?.id) return false;
  return newChanges.some(
    (change) => isResize(change) && (session.end === null || change.window.earliest < session.end.at),
  );
}

/** The session's stretches by node and size. Of an incarnation that is over no size is known but the one written in its time. */
async function writeSegments(
  trx: Trx,
  sessionId: number,
  session: Session,
  guest: GuestState,
  isNew: boolean,
): Promise<void> {
  const known = isNew ? [] : await storedSegments(trx, sessionId);
  const isPresent = ownerOf(guest, session) === guest.lives.at(-1)?.id;
  const sized = isPresent ? sizedSegments(session, guest.profile, guest.changes) : resized(session, known);
  for (const [k, { nodeId, startedAt, endedAt, cores, memoryBytes }] of sized.entries()) {
    const row = { node_id: nodeId, started_at: startedAt, ended_at: endedAt, cores, memory_bytes: memoryBytes };
    const id = known[k]?.id;
    if (id !== undefined) await trx('segments').where({ id }).update(row);
    else await trx('segments').insert({ ...row, session_id: sessionId });
  }
  for (const { id } of known.slice(sized.length)) await trx('segments').where({ id }).delete();
}

interface StoredSegment {
  id: number;
  started_at: number;
  cores: number | null;
  memory_bytes: number | null;
}

async function storedSegments(trx: Trx, sessionId: number): Promise<StoredSegment[]> {
  return (await trx('segments')
    .where({ session_id: sessionId })
    .orderBy('started_at')
    .orderBy('id')
    .select('id', 'started_at', 'cores', 'memory_bytes')) as StoredSegment[];
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
