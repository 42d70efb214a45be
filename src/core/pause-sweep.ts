import type { Pause, PauseEdge, PauseMark } from './pause.js';
import type { PauseKind } from './pause-span.js';
import type { Session } from './session.js';
import { clamp, middle, type Window } from './window.js';

/** The CPUs stand still, or run again, a moment after such a task began. */
const DONE_MS = 300;

/** One walk through a session's marks in order, carrying the pause under way. */
export class PauseSweep {
  private readonly pauses: Pause[] = [];
  private open: { kind: PauseKind; start: PauseEdge; heldAt: number } | null = null;
  /** The last proof of running. */
  private ranAt: number;

  constructor(private readonly session: Session) {
    // A run from before the log may have begun, and stood still, earlier than its likeliest start.
    this.ranAt = session.start.earliest ?? Number.NEGATIVE_INFINITY;
  }

  apply(mark: PauseMark): void {
    if (mark.state === 'running') this.run(mark);
    else this.hold(mark, mark.state);
  }

  private run(mark: PauseMark): void {
    const { window } = mark;
    const last = this.pauses.at(-1)?.end;
    if (this.open !== null) this.close(this.edgeOf(mark, this.open.heldAt));
    // By then it ran again, whatever the task says of when.
    else if (last !== null && last !== undefined && window.latest >= last.earliest) {
      last.latest = Math.min(last.latest, window.latest);
    }
    this.ranAt = Math.max(this.ranAt, window.earliest);
  }

  private hold(mark: PauseMark, kind: PauseKind): void {
    const { open } = this;
    const { window } = mark;
    if (open === null) {
      const start = this.edgeOf(mark, this.ranAt);
      this.open = { kind, start, heldAt: start.earliest };
    } else if (mark.task === null && open.kind !== kind) {
      const edge = this.edgeOf(mark, open.heldAt);
      this.close(edge);
      this.open = { kind, start: { ...edge }, heldAt: edge.earliest };
    } else if (mark.task === null && window.latest >= open.start.earliest) {
      // By then it stood still, whatever the task says of when.
      open.start.latest = Math.min(open.start.latest, window.latest);
    }
    if (mark.task === null && this.open !== null) this.open.heldAt = Math.max(this.open.heldAt, window.earliest);
  }

  /** The edge that a mark tells, no earlier than the last proof of the opposite; where they exclude each other the mark is kept. */
  private edgeOf({ window, task }: PauseMark, proofAt: number): PauseEdge {
    const proven = Number.isFinite(proofAt) ? proofAt : Math.min(this.session.start.at, window.latest);
    const earliest = task === null ? proven : Math.max(proofAt, window.earliest);
    const bounds: Window = { earliest: Math.min(earliest, window.latest), latest: window.latest };
    const at = task === null ? middle(bounds) : clamp(middle(task.start) + DONE_MS, bounds);
    return { at, ...bounds, evidence: task === null ? 'poll' : 'task', upid: task?.upid ?? null };
  }

  private close(end: PauseEdge): void {
    if (this.open === null) return;
    this.pauses.push({ kind: this.open.kind, start: this.open.start, end });
    this.open = null;
  }

  /** The pauses in order, once all marks were walked through; what is open ends with the session. */
  finish(): Pause[] {
    const { end } = this.session;
    if (this.open !== null && end !== null) {
      const { at, latest, evidence, upid } = end;
      this.close({ at, earliest: Math.min(this.open.heldAt, at), latest, evidence, upid });
    }
    if (this.open !== null) this.pauses.push({ kind: this.open.kind, start: this.open.start, end: null });
    settle(this.pauses, this.session);
    return this.pauses;
  }
}

/** Bounds within the session's, in the order of their edges, and likeliest instants within both; bounds that would forbid that give way. */
function settle(pauses: readonly Pause[], session: Session): void {
  const edges = pauses.flatMap(({ start, end }) => (end === null ? [start] : [start, end]));
  let earliest = session.start.earliest ?? Number.NEGATIVE_INFINITY;
  for (const edge of edges) {
    edge.earliest = Math.max(edge.earliest, Math.min(earliest, edge.latest));
    earliest = Math.max(earliest, edge.earliest);
  }
  let latest = session.end?.latest ?? Number.POSITIVE_INFINITY;
  for (const edge of edges.toReversed()) {
    edge.latest = Math.min(edge.latest, Math.max(latest, edge.earliest));
    latest = Math.min(latest, edge.latest);
  }
  let from = session.start.at;
  const until = session.end?.at ?? Number.POSITIVE_INFINITY;
  for (const edge of edges) {
    edge.at = Math.min(Math.max(clamp(edge.at, edge), from), until);
    edge.earliest = Math.min(edge.earliest, edge.at);
    edge.latest = Math.max(edge.latest, edge.at);
    from = edge.at;
  }
}
