import { lifeAt, type GuestState, type StoredSession } from '../../core/guest.js';
import { hasSamePauses, isSameSession, pairSessions, type Edge, type Session } from '../../core/session.js';
import { isResize, type ProfileChange } from '../../core/profile.js';
import type { Trx } from '../database.js';
import { insertForIds, updateRows } from './bulk.js';
import { writePauses } from './pauses.js';
import { writeSegments } from './segments.js';

/** What differed, for the report of the poll. */
export interface SessionDifference {
  created: StoredSession[];
  updated: { before: Session; after: StoredSession }[];
  removedCount: number;
  /** All sessions of the guest as they are stored now, in order. */
  sessions: StoredSession[];
}

/** A guest with what is stored of it and what its facts yield now. */
export interface DerivedGuest {
  guest: GuestState;
  before: GuestState | null;
  derived: readonly Session[];
}

/** A derived session on its way into the database; its id is 0 until its row is made. */
interface Draft {
  guest: GuestState;
  known: StoredSession | null;
  next: StoredSession;
  /** False where only its sizes changed, or nothing. */
  differs: boolean;
  isWritten: boolean;
}

/**
 * Makes the stored sessions of each guest those that were derived, writing only what differs; ids carry over by overlap.
 * Removed ones go first, then those that change and then new ones, each in time order, so that never two are open at once.
 */
export async function writeDifferences(
  trx: Trx,
  guests: readonly DerivedGuest[],
  now: number,
): Promise<SessionDifference[]> {
  const plans = guests.map(planOf);
  const drafts = plans.flatMap((plan) => plan.drafts).filter((draft) => draft.isWritten);
  await removeSessions(
    trx,
    plans.flatMap(({ gone }) => gone.map((one) => one.id)),
  );
  const rowOf = ({ next }: Draft): Record<string, unknown> => sessionRow(next.guestId, next.session, now);
  const updated = drafts.filter(({ known, differs }) => known !== null && differs);
  await updateRows(
    trx,
    'sessions',
    'id',
    updated.map((draft) => ({ ...rowOf(draft), id: draft.next.id })),
    ['created_at'],
  );
  const made = drafts.filter(({ known }) => known === null);
  const ids = await insertForIds(trx, 'sessions', made.map(rowOf));
  for (const [k, { next }] of made.entries()) next.id = ids[k] ?? next.id;
  await writeSegments(
    trx,
    drafts.map(({ guest, known, next }) => ({
      sessionId: next.id,
      session: next.session,
      guest,
      isPresent: next.guestId === guest.lives.at(-1)?.id,
      isNew: known === null,
    })),
  );
  for (const { known, next } of drafts) {
    const stored = known?.session.pauses ?? [];
    const isStored = known === null ? next.session.pauses.length === 0 : hasSamePauses(known.session, next.session);
    if (!isStored) await writePauses(trx, next.id, stored, next.session.pauses);
  }
  return plans.map(differenceOf);
}

interface Plan {
  drafts: Draft[];
  gone: StoredSession[];
}

function planOf({ guest, before, derived }: DerivedGuest): Plan {
  const { pairs, gone } = pairSessions(before?.sessions ?? [], derived);
  const resizes = guest.changes.filter((change) => isResize(change) && before?.changes.includes(change) !== true);
  const drafts = pairs.map(({ session, stored: known }): Draft => {
    const guestId = ownerOf(guest, session);
    const isSame = known !== null && known.guestId === guestId && isSameSession(known.session, session);
    const isWritten = !isSame || isResized(guest, guestId, session, resizes);
    // What is as it was stays the same object: years of sessions are then no work for the collector.
    const next = isSame ? known : { id: known?.id ?? 0, guestId, session };
    return { guest, known, next, differs: !isSame, isWritten };
  });
  return { drafts, gone };
}

function differenceOf({ drafts, gone }: Plan): SessionDifference {
  const difference: SessionDifference = { created: [], updated: [], removedCount: gone.length, sessions: [] };
  for (const { known, next, isWritten } of drafts) {
    difference.sessions.push(next);
    if (known === null) difference.created.push(next);
    else if (isWritten) difference.updated.push({ before: known.session, after: next });
  }
  return difference;
}

function ownerOf(guest: GuestState, session: Session): number {
  const { id } = lifeAt(guest.lives, session.start.at);
  if (id === null) throw new Error(`the incarnation of ${guest.type} ${guest.vmid} was not stored before its sessions`);
  return id;
}

async function removeSessions(trx: Trx, ids: readonly number[]): Promise<void> {
  for (let k = 0; k < ids.length; k += 100) {
    const part = ids.slice(k, k + 100);
    await trx('segments').whereIn('session_id', part).delete();
    await trx('pauses').whereIn('session_id', part).delete();
    await trx('sessions').whereIn('id', part).delete();
  }
}

function sessionRow(guestId: number, session: Session, now: number): Record<string, unknown> {
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
    created_at: now,
    updated_at: now,
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
function isResized(guest: GuestState, guestId: number, session: Session, resizes: readonly ProfileChange[]): boolean {
  if (guestId !== guest.lives.at(-1)?.id) return false;
  return resizes.some((change) => session.end === null || change.window.earliest < session.end.at);
}
