import type { LedgerSession } from './auditor.js';
import type { TruePause, TrueSession } from './truth.js';

/** A pause as the ledger states it. */
export interface LedgerPause {
  kind: string;
  startAt: number;
  startEarliest: number;
  startLatest: number;
  startEvidence: string;
  /** Null while it lasts; the bounds are null then too. */
  endAt: number | null;
  endEarliest: number | null;
  endLatest: number | null;
  endEvidence: string | null;
}

export interface PauseReport {
  /** True pauses that could be known, and are not. */
  missing: { session: TrueSession; truth: TruePause }[];
  /** Pauses of the ledger in which the guest's CPUs ran. */
  extra: { session: TrueSession; ledger: LedgerPause }[];
  /** Edges whose true instant lies outside the stated bounds, or another kind. */
  wrong: { session: TrueSession; truth: TruePause; ledger: LedgerPause }[];
  rightCount: number;
  /** Latest minus earliest of every edge of those that are right, ms. */
  widthsMs: { evidence: string; widthMs: number }[];
}

/** Compares the pauses of each true session with those of the one session of the ledger that is it; others are the audit of sessions' matter. */
export function auditPauses(
  truths: readonly TrueSession[],
  ledger: readonly LedgerSession[],
  untilAt: number,
  isKnowable: (session: TrueSession, pause: TruePause) => boolean,
): PauseReport {
  const report: PauseReport = { missing: [], extra: [], wrong: [], rightCount: 0, widthsMs: [] };
  for (const session of truths) {
    const mates = ledger.filter((one) => isOneRun(session, one, untilAt));
    const [mate] = mates;
    if (mate === undefined || mates.length > 1) continue;
    if (truths.filter((one) => isOneRun(one, mate, untilAt)).length > 1) continue;
    auditOne(report, session, mate.pauses ?? [], isKnowable);
  }
  return report;
}

function isOneRun(truth: TrueSession, session: LedgerSession, untilAt: number): boolean {
  const isSameGuest = truth.cluster === session.cluster && truth.type === session.type && truth.vmid === session.vmid;
  return isSameGuest && truth.startedAt < (session.endAt ?? untilAt) && session.startAt < (truth.endedAt ?? untilAt);
}

function auditOne(
  report: PauseReport,
  session: TrueSession,
  ledger: readonly LedgerPause[],
  isKnowable: (session: TrueSession, pause: TruePause) => boolean,
): void {
  const left = new Set(ledger);
  const unmet: TruePause[] = [];
  for (const truth of session.pauses) {
    const right = [...left].find((one) => isRight(truth, one));
    if (right === undefined) unmet.push(truth);
    else {
      left.delete(right);
      report.rightCount += 1;
      report.widthsMs.push(...widthsOf(right));
    }
  }
  for (const truth of unmet) {
    const near = [...left].find((one) => touches(truth, one));
    if (near !== undefined) {
      left.delete(near);
      report.wrong.push({ session, truth, ledger: near });
    } else if (isKnowable(session, truth)) report.missing.push({ session, truth });
  }
  for (const one of left) report.extra.push({ session, ledger: one });
}

function isRight(truth: TruePause, pause: LedgerPause): boolean {
  if (truth.kind !== pause.kind || truth.from < pause.startEarliest || truth.from > pause.startLatest) return false;
  if (truth.to === null || pause.endAt === null) return truth.to === null && pause.endAt === null;
  return truth.to >= (pause.endEarliest ?? pause.endAt) && truth.to <= (pause.endLatest ?? pause.endAt);
}

function touches(truth: TruePause, pause: LedgerPause): boolean {
  const until = truth.to ?? Number.POSITIVE_INFINITY;
  return truth.from <= (pause.endLatest ?? Number.POSITIVE_INFINITY) && pause.startEarliest <= until;
}

function widthsOf(pause: LedgerPause): PauseReport['widthsMs'] {
  const start = { evidence: pause.startEvidence, widthMs: pause.startLatest - pause.startEarliest };
  if (pause.endAt === null || pause.endEarliest === null || pause.endLatest === null) return [start];
  return [start, { evidence: pause.endEvidence ?? '', widthMs: pause.endLatest - pause.endEarliest }];
}
