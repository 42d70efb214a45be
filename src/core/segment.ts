/** When a segment began, and when it ended; null while it goes on. */
export interface Stretch {
  startedAt: number;
  endedAt: number | null;
}

/**
 * A session's segments, cut to its edges or reaching to them: a correction of an edge leaves the stored ones as they were
 * derived. `to` null: the session goes on. Those that lie outside fall away, but for one.
 */
export function segmentsWithin<T extends Stretch>(segments: readonly T[], from: number, to: number | null): T[] {
  const isWhole = segments[0]?.startedAt === from && (segments.at(-1)?.endedAt ?? null) === to;
  if (isWhole || segments.length === 0) return [...segments];
  const until = to ?? Number.POSITIVE_INFINITY;
  const kept = segments.filter((one, k) => (k === 0 || one.startedAt < until) && (one.endedAt ?? until) >= from);
  const whole = kept.length > 0 ? kept : segments.slice(0, 1);
  return whole.map((one, k) => ({
    ...one,
    startedAt: k === 0 ? from : one.startedAt,
    endedAt: k === whole.length - 1 ? to : one.endedAt,
  }));
}
