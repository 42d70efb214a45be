import type { Day } from './calendar.js';
import { common, joined, msWithin, overlapsRange, partsWithin, type Interval } from './interval.js';

/** An edge as it counts: corrected where a correction is in force. `earliest` null: the log does not reach back to it. */
export interface UsedEdge {
  at: number;
  earliest: number | null;
  latest: number;
}

export interface UsedSession {
  start: UsedEdge;
  /** Null while open. */
  end: UsedEdge | null;
  /** Of an open session: the last instant at which it was proven running (ledger rule 21). */
  provenUntil: number;
  segments: readonly { nodeId: number; startedAt: number; endedAt: number | null }[];
}

/** A time in which a node was not seen, and that no later evidence proved. */
export interface UnprovenGap {
  nodeId: number;
  startedAt: number;
  /** Null while it goes on. */
  endedAt: number | null;
}

/** All of one guest that its usage rests on. */
export interface UsageFacts {
  sessions: readonly UsedSession[];
  gaps: readonly UnprovenGap[];
}

export interface Usage {
  /** Running time within the range by the edges' likeliest instants; of an open session up to its last proof. */
  totalMs: number;
  /** Sessions that overlap the range. */
  sessionCount: number;
  /** Time of sessions that lies in unproven gaps, or after the last proof of an open one (ledger rules 20 and 21). */
  unseenMs: number;
  /** How far totalMs can be off by the bounds of the edges; what was not seen stands beside it, in unseenMs. */
  errorMs: number;
}

export const noUsage: Usage = { totalMs: 0, sessionCount: 0, unseenMs: 0, errorMs: 0 };

/**
 * The usage within a half-open range, in whole milliseconds. The true running time lies within totalMs ± errorMs where nothing
 * is unseen, and else within unseenMs of that. Ranges that adjoin add up: totals and unseen exactly, errors to no less than the whole's.
 */
export function usageOf({ sessions, gaps }: UsageFacts, range: Interval, asOf: number): Usage {
  return sumOf(sessions, darknessOf(gaps, asOf), range, asOf);
}

/** The usage of each of these days; over all of them the totals sum up to that of the whole. */
export function usageOfDays(
  { sessions, gaps }: UsageFacts,
  days: readonly Day[],
  asOf: number,
): { date: string; usage: Usage }[] {
  const darkness = darknessOf(gaps, asOf);
  return days.map((day) => {
    const touching = sessions.filter((session) => touches(session, day));
    return { date: day.date, usage: sumOf(touching, darkness, day, asOf) };
  });
}

function sumOf(sessions: readonly UsedSession[], darkness: Darkness, range: Interval, asOf: number): Usage {
  let [totalMs, overMs, underMs, unseenMs, sessionCount] = [0, 0, 0, 0, 0];
  for (const session of sessions) {
    const { start, end } = session;
    const until = provenEnd(session);
    const lengthMs = msWithin({ from: start.at, to: until }, range);
    const narrowest = { from: start.latest, to: end === null ? until : (end.earliest ?? end.at) };
    totalMs += lengthMs;
    overMs += Math.max(0, msWithin(widestOf(session), range) - lengthMs);
    underMs += Math.max(0, lengthMs - msWithin(narrowest, range));
    unseenMs += unseenOf(session, darkness, range, asOf);
    if (overlapsRange({ from: start.at, to: end?.at ?? null }, range)) sessionCount += 1;
  }
  return { totalMs, sessionCount, unseenMs, errorMs: Math.max(overMs, underMs) };
}

function provenEnd({ start, end, provenUntil }: UsedSession): number {
  return end?.at ?? Math.max(start.at, provenUntil);
}

/** All that its bounds allow: a start before the log may lie further back than every range. */
function widestOf(session: UsedSession): Interval {
  const { start, end } = session;
  return { from: start.earliest ?? Number.NEGATIVE_INFINITY, to: end?.latest ?? provenEnd(session) };
}

function touches(session: UsedSession, range: Interval): boolean {
  const widest = widestOf(session);
  return Math.min(widest.from, session.start.at) < range.to && (session.end === null || widest.to >= range.from);
}

/** When each node was not seen, by its id: intervals that are apart and in order. */
type Darkness = ReadonlyMap<number, readonly Interval[]>;

function darknessOf(gaps: readonly UnprovenGap[], asOf: number): Darkness {
  const byNode = new Map<number, Interval[]>();
  for (const { nodeId, startedAt, endedAt } of gaps) {
    const of = byNode.get(nodeId) ?? [];
    of.push({ from: startedAt, to: endedAt ?? asOf });
    byNode.set(nodeId, of);
  }
  return new Map([...byNode].map(([nodeId, intervals]) => [nodeId, joined(intervals)]));
}

function unseenOf(session: UsedSession, darkness: Darkness, range: Interval, asOf: number): number {
  const { start, end, segments } = session;
  const within = common({ from: start.at, to: end?.at ?? asOf }, range);
  if (within === null) return 0;
  const unseen = end === null ? [{ from: provenEnd(session), to: asOf }] : [];
  for (const { nodeId, startedAt, endedAt } of segments) {
    unseen.push(...partsWithin(darkness.get(nodeId) ?? [], { from: startedAt, to: endedAt ?? asOf }));
  }
  return partsWithin(joined(unseen), within).reduce((sum, one) => sum + one.to - one.from, 0);
}
