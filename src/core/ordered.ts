import type { Edge, Segment, Session } from './session.js';

/**
 * The sessions with neighbours clipping each other's bounds (ledger.md, "The method") and their likeliest instants in the
 * order of their edges (ledger rule 12): start <= end <= next start. Where the bounds exclude each other, the weaker edge's
 * become the hull of both.
 */
export function ordered(sessions: Session[]): Session[] {
  clipLatest(sessions);
  clipEarliest(sessions);
  let nextAt = Number.POSITIVE_INFINITY;
  for (const { start, end } of sessions.toReversed()) {
    if (end !== null) settleBy(end, nextAt);
    settleBy(start, end?.at ?? Number.POSITIVE_INFINITY);
    nextAt = start.at;
  }
  return sessions.map(withOrderedSegments);
}

/** No end lies after the next start could have been, and no start after its own end. */
function clipLatest(sessions: readonly Session[]): void {
  let latest = Number.POSITIVE_INFINITY;
  for (const { start, end } of sessions.toReversed()) {
    for (const edge of end === null ? [start] : [end, start]) {
      if (edge.latest > latest && (edge.earliest ?? latest) <= latest) edge.latest = latest;
      latest = Math.min(latest, edge.latest);
    }
  }
}

/** No end lies before its start could have been, and no start before the end before it. */
function clipEarliest(sessions: readonly Session[]): void {
  let earliest = Number.NEGATIVE_INFINITY;
  for (const { start, end } of sessions) {
    for (const edge of end === null ? [start] : [start, end]) {
      if (edge.earliest === null) continue;
      if (edge.earliest < earliest && earliest <= edge.latest) edge.earliest = earliest;
      earliest = Math.max(earliest, edge.earliest);
    }
  }
}

/** The edge's likeliest instant within its bounds and no later than `at`; bounds that would forbid it give way. */
function settleBy(edge: Edge, at: number): void {
  const settledAt = Math.min(Math.max(Math.min(edge.at, edge.latest), edge.earliest ?? edge.at), at);
  if (settledAt !== edge.at) edge.at = settledAt;
  if (edge.earliest !== null && edge.earliest > settledAt) edge.earliest = settledAt;
}

/** Segments fill the session without a hole, whatever its edges became. */
function withOrderedSegments(session: Session): Session {
  const endAt = session.end?.at ?? null;
  const from = session.start.at;
  const [only] = session.segments;
  if (session.segments.length === 1 && only?.startedAt === from && only.endedAt === endAt) return session;
  return { ...session, segments: filled(session.segments, from, endAt) };
}

/** The stretches moved so that they fill the time from `startAt` to `endAt` in their order, without a hole; null: to now. */
export function filled<T extends Omit<Segment, 'nodeId'>>(
  segments: readonly T[],
  startAt: number,
  endAt: number | null,
): T[] {
  let from = startAt;
  return segments.map((segment, k) => {
    const isLast = k === segments.length - 1;
    const startedAt = from;
    const endedAt = isLast
      ? endAt
      : Math.max(startedAt, Math.min(segment.endedAt ?? startedAt, endAt ?? Number.POSITIVE_INFINITY));
    from = endedAt ?? from;
    return { ...segment, startedAt, endedAt };
  });
}
