import type { LedgerPause } from './audit-pauses.js';
import type { GuestType } from './scenario.js';
import type { TrueSession } from './truth.js';

/** A session as the ledger states it. `startEarliest` null: not known. */
export interface LedgerSession {
  cluster: string;
  type: GuestType;
  vmid: number;
  startAt: number;
  startEarliest: number | null;
  startLatest: number;
  startEvidence: string;
  /** Null while it goes on; the bounds and evidence are null then too. */
  endAt: number | null;
  endEarliest: number | null;
  endLatest: number | null;
  endEvidence: string | null;
  pauses?: readonly LedgerPause[];
}

export interface BoundaryError {
  edge: 'start' | 'end';
  /** The session that it is of. */
  truth: TrueSession;
  /** The evidence that the ledger names. */
  kind: string;
  /** Stated minus true. */
  errorMs: number;
  /** Latest minus earliest; null where the earliest is not known. */
  widthMs: number | null;
}

export interface AuditReport {
  /** True sessions that no session of the ledger overlaps. */
  missing: TrueSession[];
  /** Sessions of the ledger that overlap no true one. */
  extra: LedgerSession[];
  /** One session of the ledger over several true ones. */
  merged: { ledger: LedgerSession; truths: TrueSession[] }[];
  /** One true session in several of the ledger. */
  split: { truth: TrueSession; ledgers: LedgerSession[] }[];
  /** Edges whose true instant lies outside the stated bounds, or that are open in one and ended in the other. */
  outOfBounds: { truth: TrueSession; ledger: LedgerSession; edge: 'start' | 'end' }[];
  boundaryErrors: BoundaryError[];
}

interface Span {
  from: number;
  to: number;
}

/** Compares the ledger with the truth as of `untilAt`, guest by guest in the order of time. Instants of both are on the true clock. */
export function audit(truths: readonly TrueSession[], ledger: readonly LedgerSession[], untilAt: number): AuditReport {
  const report: AuditReport = { missing: [], extra: [], merged: [], split: [], outOfBounds: [], boundaryErrors: [] };
  const truthsOf = grouped(truths);
  const ledgerOf = grouped(ledger);
  for (const key of new Set([...truthsOf.keys(), ...ledgerOf.keys()])) {
    const ofTruth = [...(truthsOf.get(key) ?? [])].sort((a, b) => a.startedAt - b.startedAt);
    const ofLedger = [...(ledgerOf.get(key) ?? [])].sort((a, b) => a.startAt - b.startAt);
    auditGuest(report, ofTruth, ofLedger, untilAt);
  }
  return report;
}

/** True when nothing is wrong. */
export function isClean(report: AuditReport): boolean {
  const { missing, extra, merged, split, outOfBounds } = report;
  return [missing, extra, merged, split, outOfBounds].every((list) => list.length === 0);
}

function grouped<T extends { cluster: string; type: GuestType; vmid: number }>(
  sessions: readonly T[],
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const session of sessions) {
    const key = `${session.cluster}/${session.type}/${session.vmid}`;
    const group = groups.get(key) ?? [];
    group.push(session);
    groups.set(key, group);
  }
  return groups;
}

function auditGuest(
  report: AuditReport,
  truths: readonly TrueSession[],
  ledger: readonly LedgerSession[],
  untilAt: number,
): void {
  const trueSpans = truths.map((truth): Span => ({ from: truth.startedAt, to: truth.endedAt ?? untilAt }));
  // What a session may cover by its bounds; by its stated instants alone, two neighbours never share a truth.
  const reach = ledger.map((session): Span => ({
    from: session.startEarliest ?? -Infinity,
    to: session.endLatest ?? session.endAt ?? untilAt,
  }));
  const stated = ledger.map((session): Span => ({ from: session.startAt, to: session.endAt ?? untilAt }));
  const pairs: { truth: number; ledger: number }[] = [];
  let left = 0;
  truths.forEach((_, truth) => {
    const span = trueSpans[truth] as Span;
    while (left < ledger.length && (reach[left] as Span).to < span.from) left += 1;
    for (let index = left; index < ledger.length && (reach[index] as Span).from <= span.to; index += 1) {
      const isStated = overlapMs(span, stated[index] as Span) > 0;
      // A run shorter than its bounds may lie beside the stated instants, yet within them.
      const isOnlyReached = !isStated && isWithinBounds(truths[truth] as TrueSession, ledger[index] as LedgerSession);
      if (isStated || isOnlyReached) pairs.push({ truth, ledger: index });
    }
  });
  judge(report, truths, ledger, settle(pairs, truths, ledger, trueSpans, stated));
}

type Pair = { truth: number; ledger: number };

/** Drops a pair that only touches (a bound that reaches into the neighbour) where both sides have a partner within their bounds. */
function settle(
  pairs: readonly Pair[],
  truths: readonly TrueSession[],
  ledger: readonly LedgerSession[],
  trueSpans: readonly Span[],
  stated: readonly Span[],
): Pair[] {
  const isExact = (pair: Pair): boolean =>
    isWithinBounds(truths[pair.truth] as TrueSession, ledger[pair.ledger] as LedgerSession);
  const exactTruths = new Set<number>();
  const exactLedger = new Set<number>();
  const kept: Pair[] = [];
  const order = (pair: Pair): number => -overlapMs(trueSpans[pair.truth] as Span, stated[pair.ledger] as Span);
  for (const pair of pairs.filter(isExact).sort((a, b) => order(a) - order(b))) {
    if (exactTruths.has(pair.truth) || exactLedger.has(pair.ledger)) continue;
    exactTruths.add(pair.truth);
    exactLedger.add(pair.ledger);
    kept.push(pair);
  }
  const rest = pairs.filter((pair) => !isExact(pair) && !(exactTruths.has(pair.truth) && exactLedger.has(pair.ledger)));
  return [...kept, ...rest];
}

function judge(
  report: AuditReport,
  truths: readonly TrueSession[],
  ledger: readonly LedgerSession[],
  pairs: readonly Pair[],
): void {
  const partners = truths.map((): number[] => []);
  const owners = ledger.map((): number[] => []);
  for (const pair of pairs) {
    partners[pair.truth]?.push(pair.ledger);
    owners[pair.ledger]?.push(pair.truth);
  }
  truths.forEach((truth, index) => {
    const of = partners[index] as number[];
    if (of.length === 0) report.missing.push(truth);
    if (of.length > 1) report.split.push({ truth, ledgers: of.map((at) => ledger[at] as LedgerSession) });
  });
  ledger.forEach((session, index) => {
    const of = owners[index] as number[];
    if (of.length === 0) report.extra.push(session);
    if (of.length > 1) report.merged.push({ ledger: session, truths: of.map((at) => truths[at] as TrueSession) });
  });
  for (const pair of [...pairs].sort((a, b) => a.truth - b.truth)) {
    if (partners[pair.truth]?.length === 1 && owners[pair.ledger]?.length === 1) {
      compareEdges(report, truths[pair.truth] as TrueSession, ledger[pair.ledger] as LedgerSession);
    }
  }
}

function compareEdges(report: AuditReport, truth: TrueSession, session: LedgerSession): void {
  const { startEarliest, startLatest, startAt, startEvidence } = session;
  if (truth.startedAt < (startEarliest ?? -Infinity) || truth.startedAt > startLatest) {
    report.outOfBounds.push({ truth, ledger: session, edge: 'start' });
  }
  const widthMs = startEarliest === null ? null : startLatest - startEarliest;
  const startErrorMs = startAt - truth.startedAt;
  report.boundaryErrors.push({ edge: 'start', truth, kind: startEvidence, errorMs: startErrorMs, widthMs });
  if (truth.endedAt === null && session.endAt === null) return;
  if (truth.endedAt === null || session.endAt === null) {
    report.outOfBounds.push({ truth, ledger: session, edge: 'end' });
    return;
  }
  const earliest = session.endEarliest ?? session.endAt;
  const latest = session.endLatest ?? session.endAt;
  if (truth.endedAt < earliest || truth.endedAt > latest)
    report.outOfBounds.push({ truth, ledger: session, edge: 'end' });
  const errorMs = session.endAt - truth.endedAt;
  const kind = session.endEvidence ?? '';
  report.boundaryErrors.push({ edge: 'end', truth, kind, errorMs, widthMs: latest - earliest });
}

/** True when both true edges lie within the session's bounds. */
function isWithinBounds(truth: TrueSession, session: LedgerSession): boolean {
  if (truth.startedAt < (session.startEarliest ?? -Infinity) || truth.startedAt > session.startLatest) return false;
  if (truth.endedAt === null || session.endAt === null) return truth.endedAt === null && session.endAt === null;
  return (
    truth.endedAt >= (session.endEarliest ?? session.endAt) && truth.endedAt <= (session.endLatest ?? session.endAt)
  );
}

function overlapMs(a: Span, b: Span): number {
  return Math.min(a.to, b.to) - Math.max(a.from, b.from);
}
