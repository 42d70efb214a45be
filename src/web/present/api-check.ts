import type { FindingView } from '../../ledger/queries/findings.js';
import { isoOf } from './api-values.js';

/** The findings that wait for a person; `checked_at` is null where the checker has not run yet. */
export function presentChecks(findings: readonly FindingView[], last: { at: number } | null) {
  const checks = findings.map((finding) => ({
    id: finding.key,
    kind: finding.kind,
    guest_id: finding.guestId,
    session_id: finding.sessionId,
    message: finding.sentence,
    repair:
      finding.repair === null
        ? null
        : {
            session_id: finding.repair.sessionId,
            edge: finding.repair.field,
            time: isoOf(finding.repair.at),
            message: finding.repair.sentence,
          },
    first_found: isoOf(finding.firstFoundAt),
  }));
  return { checks, total: checks.length, checked_at: isoOf(last?.at ?? null) };
}
