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
 * The sum over true sessions of |measured - true| within [from, to]. A meter's session counts for the true one that it overlaps;
 * one over several is shared out where each next one begins, so that what was merged is not counted against it twice. One
 * that overlaps none is wrong altogether.
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
  const byGuest = grouped(truths, keyOf);
  for (const session of sessions) {
    const stretch = clip(session.startAt, session.endAt);
    const met = (byGuest.get(keyOf(session)) ?? [])
      .filter((truth) => sharedMs(stretch, clip(truth.startedAt, truth.endedAt)) > 0)
      .sort((a, b) => a.startedAt - b.startedAt);
    if (met.length === 0) time.wrongMs += lengthOf(stretch);
    for (const [k, truth] of met.entries()) {
      const begin = k === 0 ? stretch.from : Math.max(stretch.from, truth.startedAt);
      const end = Math.min(stretch.to, met[k + 1]?.startedAt ?? stretch.to);
      measured.set(truth, (measured.get(truth) ?? 0) + Math.max(0, end - begin));
    }
  }
  for (const truth of truths) {
    const trueMs = lengthOf(clip(truth.startedAt, truth.endedAt));
    time.trueMs += trueMs;
    time.wrongMs += Math.abs((measured.get(truth) ?? 0) - trueMs);
  }
  return time;
}

function keyOf(one: { cluster: string; type: string; vmid: number }): string {
  return `${one.cluster}/${one.type}/${one.vmid}`;
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
