import { lifeAt, type GuestState, type StoredSession } from '../../core/guest.js';
import { isSameSession, pairSessions, type Edge, type Session } from '../../core/session.js';
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
  stored: readonly StoredSession[],
  derived: readonly Session[],
  now: number,
): Promise<SessionDifference> {
  const { pairs, gone } = pairSessions(stored, derived);
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
    if (known.guestId === guestId && isSameSession(known.session, session)) continue;
    await trx('sessions')
      .where({ id: known.id })
      .update({ ...sessionRow(guestId, session), updated_at: now });
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

/** The session's stretches by node; the size that a stretch was first written with stays. */
async function writeSegments(
  trx: Trx,
  sessionId: number,
  session: Session,
  guest: GuestState,
  isNew: boolean,
): Promise<void> {
  const known = isNew
    ? []
    : ((await trx('segments').where({ session_id: sessionId }).orderBy('started_at').orderBy('id').select('id')) as {
        id: number;
      }[]);
  for (const [k, segment] of session.segments.entries()) {
    const row = { node_id: segment.nodeId, started_at: segment.startedAt, ended_at: segment.endedAt };
    const id = known[k]?.id;
    if (id !== undefined) await trx('segments').where({ id }).update(row);
    else {
      const { cores, memoryBytes } = guest.profile;
      await trx('segments').insert({ ...row, session_id: sessionId, cores, memory_bytes: memoryBytes });
    }
  }
  for (const { id } of known.slice(session.segments.length)) await trx('segments').where({ id }).delete();
}
