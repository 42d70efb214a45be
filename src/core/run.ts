import { closeEdge, openEdge, type EndEvidence, type StartEvidence } from './edge.js';
import type { Edge, Segment, Session } from './session.js';
import type { Slot } from './slot.js';
import type { Span } from './span.js';

/** The run that the sweep is in. */
export interface Run {
  start: StartEvidence;
  segments: Segment[];
  nodeId: number;
  /** The last instant at which it is proven to have run. */
  provenAt: number;
  provenBy: string;
  /** True once a sample of it was seen. */
  isObserved: boolean;
}

/** A run with what is known of its end. */
export interface ClosedRun {
  run: Run;
  end: EndEvidence;
}

/** The session that a run amounts to; `end` null while it goes on. */
export function sessionOf(run: Run, end: EndEvidence | null): Session {
  const start = openEdge(run.start);
  const closed: Edge | null = end === null ? null : closeEdge(end, start);
  return {
    start,
    end: closed,
    endReason: end?.reason ?? null,
    user: run.start.task?.user ?? run.start.actor ?? end?.task?.user ?? null,
    segments: run.segments,
    pauses: [],
  };
}

/** The run goes on at another node from `at` on. */
export function switchTo(run: Run, nodeId: number, at: number): void {
  const last = run.segments.at(-1);
  if (last === undefined) return;
  last.endedAt = at;
  run.segments.push({ nodeId, startedAt: at, endedAt: null });
  run.nodeId = nodeId;
}

/**
 * A process that came by live migration, or whose uptime reaches back before the last sample elsewhere, continues the run
 * (ledger rule 14); so does one without an uptime where the start before it has no process yet.
 */
export function isContinued(span: Span, slot: Slot, run: Run): boolean {
  if (slot.bornBy !== null) return true;
  if (!run.isObserved && span.start === null && slot.startTask === null && run.nodeId === span.nodeId) return true;
  const left = slot.left;
  return (
    left?.state === 'running' &&
    left.nodeId !== span.nodeId &&
    span.start !== null &&
    span.start.latest < left.last.sentAt
  );
}

/** The later of two instants, either of which may not be known. */
export function laterOf(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b);
}

export { ordered } from './ordered.js';
