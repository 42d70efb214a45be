import type { Finding } from '../core/finding.js';
import { writeAudit } from './access.js';
import { inTransaction, type Database } from './database.js';
import { checkLedger } from './queries/checks.js';
import { findingByKey } from './queries/findings.js';
import { acceptFinding, correctSession } from './stores/corrections.js';
import { dropFinding, replaceFindings } from './stores/findings.js';

/** Runs the sanity checker over the whole ledger and keeps what it found for the pages; yields all of it. */
export async function runChecks(db: Database, now: number): Promise<Finding[]> {
  const findings = await checkLedger(db.reader, now);
  await inTransaction(db, (trx) => replaceFindings(trx, findings, now));
  return findings;
}

/** What a person says of a finding: make the correction that it offers, or leave all as it is. */
export interface Settlement {
  key: string;
  action: 'repair' | 'accept';
  /** Mandatory, and kept for good. */
  reason: string;
  actor: string;
  address: string | null;
}

export class SettleError extends Error {
  override readonly name = 'SettleError';
}

export const REASON_MAX_LENGTH = 10_000;

/**
 * Records what a person says of a finding, with an entry in the audit log, and yields what it did as a sentence. Throws
 * SettleError with a sentence for the operator where there is no such finding, no reason, or no repair to it.
 */
export async function settleFinding(db: Database, wish: Settlement, now: number): Promise<string> {
  const reason = wish.reason.trim();
  if (reason === '') throw new SettleError('a reason is needed: say why, in a sentence that can be read in a year');
  if (reason.length > REASON_MAX_LENGTH)
    throw new SettleError(`the reason has ${reason.length} characters: at most ${REASON_MAX_LENGTH} are kept`);
  return inTransaction(db, async (trx) => {
    const finding = await findingByKey(trx, wish.key);
    if (finding === null)
      throw new SettleError(`there is no finding "${wish.key.slice(0, 100)}" any more: run the check again`);
    const word = { actor: wish.actor, reason, at: now };
    const { repair } = finding;
    if (wish.action === 'accept') await acceptFinding(trx, finding, word);
    else if (repair === null)
      throw new SettleError(`no correction of "${finding.key}" is certain: it can only be accepted, with a reason`);
    else if (!(await correctSession(trx, finding, repair, word)))
      throw new SettleError(`session ${repair.sessionId} was derived anew since: run the check again`);
    await dropFinding(trx, finding.key);
    const done =
      wish.action === 'accept' || repair === null ? `Accepted as it is: ${finding.sentence}` : repair.sentence;
    await writeAudit(trx, {
      at: now,
      actor: wish.actor,
      address: wish.address,
      action: `check.${wish.action}`,
      subject: finding.key,
      before: finding.sentence,
      after: { done, reason },
    });
    return done;
  });
}
