import type { LedgerSession } from '../src/simulator/auditor.js';
import type { TrueSession } from '../src/simulator/truth.js';

/** Time that a meter got wrong, and time that truly ran, both in ms. */
export interface MeteredTime {
  wrongMs: number;
  trueMs: number;
}

interface Stretch {
  from: number;
  to: number;
}

/**
 * The sum over true sessions of |measured - true| within [from, to]: each session of the meter counts for the true one that it
 * overlaps most; one that overlaps none counts as wrong altogether.
 */
export function meteredTime(
  truths: readonly TrueSession[],
  sessions: readonly LedgerSession[],
  from: number,
  to: number,
): MeteredTime {
  const clip = (startedAt: number, endedAt: number | null): Stretch => ({
    from: Math.max(from, startedAt),
    to: Math.min(to, endedAt ?? to),
  });
  const time: MeteredTime = { wrongMs: 0, trueMs: 0 };
  const measured = new Map<TrueSession, number>();
  const keyOf = (one: { cluster: string; type: string; vmid: number }): string =>
    `${one.cluster}/${one.type}/${one.vmid}`;
  const byGuest = grouped(truths, keyOf);
  for (const session of sessions) {
    const stretch = clip(session.startAt, session.endAt);
    if (lengthOf(stretch) === 0) continue;
    let best: TrueSession | null = null;
    let bestMs = 0;
    for (const truth of byGuest.get(keyOf(session)) ?? []) {
      const overlapMs = sharedMs(stretch, clip(truth.startedAt, truth.endedAt));
      if (overlapMs > bestMs) [best, bestMs] = [truth, overlapMs];
    }
    if (best === null) time.wrongMs += lengthOf(stretch);
    else measured.set(best, (measured.get(best) ?? 0) + lengthOf(stretch));
  }
  for (const truth of truths) {
    const trueMs = lengthOf(clip(truth.startedAt, truth.endedAt));
    time.trueMs += trueMs;
    time.wrongMs += Math.abs((measured.get(truth) ?? 0) - trueMs);
  }
  return time;
}

function grouped<T>(list: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const group = groups.get(keyOf(one)) ?? [];
    group.push(one);
    groups.set(keyOf(one), group);
  }
  return groups;
}

function lengthOf({ from, to }: Stretch): number {
  return Math.max(0, to - from);
}

function sharedMs(a: Stretch, b: Stretch): number {
  return Math.max(0, Math.min(a.to, b.to) - Math.max(a.from, b.from));
}
