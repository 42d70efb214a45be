/** A half-open stretch of time [from, to), epoch ms; `to` not after `from`: it holds nothing. */
export interface Interval {
  from: number;
  to: number;
}

/** The part that both hold, or null where they share nothing. */
export function common(a: Interval, b: Interval): Interval | null {
  const from = Math.max(a.from, b.from);
  const to = Math.min(a.to, b.to);
  return from < to ? { from, to } : null;
}

/** How many milliseconds of the first lie in the second; never negative. */
export function msWithin(part: Interval, whole: Interval): number {
  return Math.max(0, Math.min(part.to, whole.to) - Math.max(part.from, whole.from));
}

/** The same instants as intervals that are apart, oldest first: what two of them share is there once. */
export function joined(intervals: readonly Interval[]): Interval[] {
  const apart: Interval[] = [];
  for (const { from, to } of [...intervals].sort((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else if (from < to) apart.push({ from, to });
  }
  return apart;
}

/** The parts of intervals that are apart and in order which lie within another. */
export function partsWithin(apart: readonly Interval[], whole: Interval): Interval[] {
  let [low, high] = [0, apart.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((apart[middle]?.to ?? 0) <= whole.from) low = middle + 1;
    else high = middle;
  }
  const parts: Interval[] = [];
  for (let one = apart[low]; one !== undefined && one.from < whole.to; one = apart[++low]) {
    const part = common(one, whole);
    if (part !== null) parts.push(part);
  }
  return parts;
}

/**
 * True where a stretch that may still go on (null) overlaps the range. One of zero length belongs to the range that holds
 * its instant, so that neighbouring ranges count it once.
 */
export function overlapsRange(stretch: { from: number; to: number | null }, range: Interval): boolean {
  return stretch.from < range.to && (stretch.to === null || stretch.to > range.from || stretch.from >= range.from);
}
