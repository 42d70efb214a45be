import type { Finding } from '../../core/finding.js';
import type { Trx } from '../database.js';

/** More are not kept: whoever has mended so many runs the checker again. */
export const MAX_FINDINGS = 500;

const RAN_AT = 'checks_ran_at';

/** Makes the stored findings those of the last run; one that was there before keeps the instant at which it was first found. */
export async function replaceFindings(trx: Trx, findings: readonly Finding[], now: number): Promise<void> {
  const known = (await trx('findings').select('finding_key', 'first_found_at')) as {
    finding_key: string;
    first_found_at: number;
  }[];
  const firstFoundAt = new Map(known.map((row) => [row.finding_key, row.first_found_at]));
  await trx('findings').delete();
  const rows = findings.slice(0, MAX_FINDINGS).map((finding) => ({
    finding_key: finding.key,
    kind: finding.kind,
    guest_id: finding.guestId,
    session_id: finding.sessionId,
    sentence: finding.sentence,
    repair: finding.repair === null ? null : JSON.stringify(finding.repair),
    first_found_at: firstFoundAt.get(finding.key) ?? now,
  }));
  for (let k = 0; k < rows.length; k += 100) await trx('findings').insert(rows.slice(k, k + 100));
  await trx('settings').where({ name: RAN_AT }).delete();
  await trx('settings').insert({ name: RAN_AT, value: JSON.stringify({ at: now, count: findings.length }) });
}

/** Takes one out that was settled. */
export async function dropFinding(trx: Trx, key: string): Promise<void> {
  await trx('findings').where({ finding_key: key }).delete();
}
