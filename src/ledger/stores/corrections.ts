import type { Finding, Repair } from '../../core/finding.js';
import type { Trx } from '../database.js';
import { laySegments } from './segments.js';

/** Who says it, and why. */
export interface Word {
  actor: string;
  reason: string;
  at: number;
}

/**
 * Records the correction that settles a finding, as a new row beside what was derived (ledger rule 25). False where the
 * session is gone or belongs to another incarnation by now.
 */
export async function correctSession(trx: Trx, finding: Finding, repair: Repair, word: Word): Promise<boolean> {
  const session = (await trx('sessions').where({ id: repair.sessionId }).first('guest_id', 'start_at', 'end_at')) as
    { guest_id: number; start_at: number; end_at: number | null } | undefined;
  if (session === undefined || session.guest_id !== finding.guestId) return false;
  await noteRevision(trx, session.guest_id);
  if (repair.field === 'segments') await laySegments(trx, repair.sessionId, session.start_at, session.end_at);
  await trx('session_corrections').insert({
    guest_id: session.guest_id,
    session_id: repair.sessionId,
    field: repair.field,
    derived_at: repair.field === 'segments' ? null : repair.field === 'start' ? session.start_at : session.end_at,
    corrected_at: repair.at,
    finding: finding.key,
    sentence: repair.sentence,
    reason: word.reason,
    actor: word.actor.slice(0, 255),
    created_at: word.at,
  });
  return true;
}

/** Records that the finding is known and stays as it is: the checker does not tell of it any more. */
export async function acceptFinding(trx: Trx, finding: Finding, word: Word): Promise<void> {
  await noteRevision(trx, finding.guestId);
  const session =
    finding.sessionId === null ? undefined : await trx('sessions').where({ id: finding.sessionId }).first('id');
  await trx('session_corrections').insert({
    guest_id: finding.guestId,
    session_id: session === undefined ? null : finding.sessionId,
    field: 'accept',
    derived_at: null,
    corrected_at: null,
    finding: finding.key,
    sentence: finding.sentence,
    reason: word.reason,
    actor: word.actor.slice(0, 255),
    created_at: word.at,
  });
}

/** A poll that was reconciled against what was before is tried again (design.md, "Transactions"). */
async function noteRevision(trx: Trx, guestId: number): Promise<void> {
  const cluster = trx('guests').where({ id: guestId }).select('cluster_id');
  await trx('clusters').whereIn('id', cluster).increment('revision', 1);
}
