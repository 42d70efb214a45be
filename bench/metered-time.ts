import type { LedgerSession } from '../src/simulator/auditor.js';
import type { TrueSession } from '../src/simulator/truth.js';

/** Time that a meter got wrong, and time that truly ran, both in ms; and which session carries how much of the error. */
export interface MeteredTime {
  wrongMs: number;
  trueMs: number;
  errors: SessionError[];
}

/** What a meter got wrong of one true session, or of one of its own that overlaps none. */
export interface SessionError {
  truth: TrueSession | null;
  /** The meter's sessions that count for it. */
  sessions: LedgerSession[];
  wrongMs: number;
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
  const time: MeteredTime = { wrongMs: 0, trueMs: 0, errors: [] };
  const measured = new Map<TrueSession, { ms: number; sessions: LedgerSession[] }>();
  const byGuest = grouped(truths, keyOf);
  for (const session of sessions) {
    const stretch = clip(session.startAt, session.endAt);
    const met = (byGuest.get(keyOf(session)) ?? [])
      .filter((truth) => sharedMs(stretch, clip(truth.startedAt, truth.endedAt)) > 0)
      .sort((a, b) => a.startedAt - b.startedAt);
    if (met.length === 0) time.errors.push({ truth: null, sessions: [session], wrongMs: lengthOf(stretch) });
    for (const [k, truth] of met.entries()) {
      const begin = k === 0 ? stretch.from : Math.max(stretch.from, truth.startedAt);
      const end = Math.min(stretch.to, met[k + 1]?.startedAt ?? stretch.to);
      const before = measured.get(truth) ?? { ms: 0, sessions: [] };
      const ms = before.ms + Math.max(0, end - begin);
      measured.set(truth, { ms, sessions: [...before.sessions, session] });
    }
  }
  for (const truth of truths) {
    const trueMs = lengthOf(clip(truth.startedAt, truth.endedAt));
    const { ms, sessions: of } = measured.get(truth) ?? { ms: 0, sessions: [] };
    time.trueMs += trueMs;
    time.errors.push({ truth, sessions: of, wrongMs: Math.abs(ms - trueMs) });
  }
  time.wrongMs = time.errors.reduce((sum, { wrongMs }) => sum + wrongMs, 0);
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
