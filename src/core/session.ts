import type { EndReason, Evidence } from './evidence.js';
import type { Pause, PauseEdge } from './pause.js';

/** One end of a session: the truth lies in [earliest, latest], `at` is its likeliest instant (ledger rule 6). */
export interface Edge {
  at: number;
  /** Null only with evidence log_edge: the log does not reach back to it. */
  earliest: number | null;
  latest: number;
  evidence: Evidence;
  /** The task that explains it. */
  upid: string | null;
  /** What it rests on, as sentences for the evidence page: last proof, first counter-proof. */
  proofs: string[];
}

/** A stretch of a session on one node. */
export interface Segment {
  nodeId: number;
  startedAt: number;
  /** Null while it goes on. */
  endedAt: number | null;
}

/** An unbroken run of one guest (ledger rule 13), as derived. */
export interface Session {
  start: Edge;
  /** Null while it runs. */
  end: Edge | null;
  endReason: EndReason | null;
  /** user@realm of the start's task, else of the end's. */
  user: string | null;
  segments: Segment[];
  /** In order, disjoint, and within the session. */
  pauses: readonly Pause[];
}

/** Evidence that could not be true together; the weaker was set aside (ledger rule 12). */
export interface Conflict {
  edge: 'start' | 'end';
  kept: string;
  setAside: string;
  at: number;
}

/**
 * Pairs each derived session with the stored one that it continues, by overlap in time, in order; ids carry over so.
 * Yields the stored sessions that nothing continues as `gone`.
 */
export function pairSessions<T extends { session: Session }>(
  stored: readonly T[],
  derived: readonly Session[],
): { pairs: { session: Session; stored: T | null }[]; gone: T[] } {
  const pairs: { session: Session; stored: T | null }[] = [];
  const gone: T[] = [];
  let next = 0;
  for (const session of derived) {
    let match: T | null = null;
    while (next < stored.length && match === null) {
      const candidate = stored[next];
      if (candidate === undefined || beginsAfter(candidate.session, session)) break;
      next += 1;
      if (overlaps(candidate.session, session)) match = candidate;
      else gone.push(candidate);
    }
    pairs.push({ session, stored: match });
  }
  gone.push(...stored.slice(next));
  return { pairs, gone };
}

function endOf(session: Session): number {
  return session.end?.latest ?? Number.POSITIVE_INFINITY;
}

function startOf(session: Session): number {
  return session.start.earliest ?? session.start.at;
}

function overlaps(a: Session, b: Session): boolean {
  return startOf(a) <= endOf(b) && startOf(b) <= endOf(a);
}

function beginsAfter(a: Session, b: Session): boolean {
  return startOf(a) > endOf(b);
}

/** The session with another end, its segments cut to it. */
export function endingAt(session: Session, end: Edge): Session {
  const { at } = end;
  const last = session.segments.length - 1;
  const segments = session.segments.map((segment, k) => ({
    ...segment,
    startedAt: Math.min(segment.startedAt, at),
    endedAt: k === last ? at : Math.min(segment.endedAt ?? at, at),
  }));
  return { ...session, end, segments };
}

/** True when nothing that is stored of a session differs. */
export function isSameSession(a: Session, b: Session): boolean {
  return (
    isSameEdge(a.start, b.start) &&
    (a.end === null || b.end === null ? a.end === b.end : isSameEdge(a.end, b.end)) &&
    a.endReason === b.endReason &&
    a.user === b.user &&
    isSameList(a.segments, b.segments, isSameSegment) &&
    hasSamePauses(a, b)
  );
}

function isSameEdge(a: Edge, b: Edge): boolean {
  return (
    a.at === b.at &&
    a.earliest === b.earliest &&
    a.latest === b.latest &&
    a.evidence === b.evidence &&
    a.upid === b.upid &&
    isSameList(a.proofs, b.proofs, (one, other) => one === other)
  );
}

function isSameSegment(a: Segment, b: Segment): boolean {
  return a.nodeId === b.nodeId && a.startedAt === b.startedAt && a.endedAt === b.endedAt;
}

function isSameList<T>(a: readonly T[], b: readonly T[], isSame: (one: T, other: T) => boolean): boolean {
  return a.length === b.length && a.every((one, k) => isSame(one, b[k] as T));
}

/** True when the pauses are stored as they are. */
export function hasSamePauses(a: Session, b: Session): boolean {
  return isSameList(a.pauses, b.pauses, isSamePause);
}

function isSamePause(a: Pause, b: Pause): boolean {
  const hasSameEnd = a.end === null || b.end === null ? a.end === b.end : isSamePauseEdge(a.end, b.end);
  return a.kind === b.kind && isSamePauseEdge(a.start, b.start) && hasSameEnd;
}

function isSamePauseEdge(a: PauseEdge, b: PauseEdge): boolean {
  return (
    a.at === b.at &&
    a.earliest === b.earliest &&
    a.latest === b.latest &&
    a.evidence === b.evidence &&
    a.upid === b.upid
  );
}
