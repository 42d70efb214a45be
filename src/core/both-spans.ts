import type { Exchange } from './observation.js';
import type { Span } from './span.js';
import { meets, widen } from './window.js';

/** Pull outranks (ledger rule 22): an agent is heard only where polls saw nothing for longer than this. */
const HOLE_MS = 2 * 60_000;
const JITTER_MS = 3_000;

interface Hole {
  from: number;
  to: number;
  /** The polls' spans around it: places in the list of all of them. */
  left: number | null;
  right: number | null;
}

/**
 * The spans of a guest that polls and agents saw: those of the polls, and in the holes between them what the agents told. A
 * run that both saw is one: its span then reaches as far as either's.
 */
export function spansOfBoth(pulled: readonly Span[], told: readonly Span[]): Span[] {
  if (pulled.length === 0 || told.length === 0) return pulled.length === 0 ? [...told] : [...pulled];
  const spans = pulled.map((span) => ({ ...span }));
  const added: Span[] = [];
  for (const hole of holesBetween(pulled)) {
    const parts = told.flatMap((span) => (agrees(spans, hole, span) ? (within(span, hole) ?? []) : []));
    for (const [k, part] of parts.entries()) {
      // Where it stopped in between, it is not the run that the polls saw on that side.
      const [left, right] = [hasStopped(parts.slice(0, k)), hasStopped(parts.slice(k + 1))];
      const open = { ...hole, left: left ? null : hole.left, right: right ? null : hole.right };
      if (!isJoined(spans, open, part)) added.push(part);
    }
  }
  return [...spans, ...added].sort((a, b) => a.first.sentAt - b.first.sentAt);
}

function hasStopped(spans: readonly Span[]): boolean {
  return spans.some((span) => span.state === 'stopped');
}

function holesBetween(pulled: readonly Span[]): Hole[] {
  const holes: Hole[] = [];
  for (let k = 0; k <= pulled.length; k += 1) {
    const from = pulled[k - 1]?.last.receivedAt ?? Number.NEGATIVE_INFINITY;
    const to = pulled[k]?.first.sentAt ?? Number.POSITIVE_INFINITY;
    if (to - from > HOLE_MS)
      holes.push({ from, to, left: k === 0 ? null : k - 1, right: k === pulled.length ? null : k });
  }
  return holes;
}

/** What of the span lies in the hole; between its first and last sample it is proven at every instant. */
function within(span: Span, { from, to }: Hole): Span | null {
  const cut = (at: Exchange): Exchange => ({
    sentAt: Math.min(Math.max(at.sentAt, from), to),
    receivedAt: Math.min(Math.max(at.receivedAt, from), to),
  });
  if (span.last.sentAt <= from || span.first.receivedAt >= to) return null;
  return { ...span, first: cut(span.first), last: cut(span.last) };
}

/** What an agent told across the edge of a hole is of use only where the poll beside it saw the same. */
function agrees(spans: readonly Span[], { from, to, left, right }: Hole, span: Span): boolean {
  const [before, after] = [left === null ? undefined : spans[left], right === null ? undefined : spans[right]];
  const isLeftFine = span.first.sentAt >= from || before?.state === span.state;
  const isRightFine = span.last.receivedAt <= to || after?.state === span.state;
  return isLeftFine && isRightFine;
}

/** Lets a run's span reach to what the agent saw of it; true where the part is no span of its own. */
function isJoined(spans: Span[], { left, right }: Hole, part: Span): boolean {
  if (part.state !== 'running') return false;
  const before = left === null ? undefined : spans[left];
  const after = right === null ? undefined : spans[right];
  const [isOfBefore, isOfAfter] = [isSameRun(before, part), isSameRun(after, part)];
  if (isOfBefore && isOfAfter && part.start === null) return true;
  if (isOfBefore && before !== undefined) before.last = later(before.last, part.last);
  if (isOfAfter && after !== undefined) after.first = earlier(after.first, part.first);
  return isOfBefore || isOfAfter;
}

/** Without an uptime on both sides nothing says that it was another process. */
function isSameRun(span: Span | undefined, part: Span): boolean {
  if (span?.state !== 'running' || span.nodeId !== part.nodeId) return false;
  return span.start === null || part.start === null || meets(widen(span.start, JITTER_MS), part.start);
}

function later(a: Exchange, b: Exchange): Exchange {
  return b.sentAt > a.sentAt ? b : a;
}

function earlier(a: Exchange, b: Exchange): Exchange {
  return b.receivedAt < a.receivedAt ? b : a;
}
