import { startBounds, type EndEvidence, type StartEvidence } from './edge.js';
import type { EndReason } from './evidence.js';
import { ordered } from './ordered.js';
import { sessionOf, type ClosedRun, type Run } from './run.js';
import type { Conflict, Session } from './session.js';
import type { Window } from './window.js';

/** The runs of one guest as a sweep opens and closes them: at most one is open, and neighbours clip each other's edges. */
export class RunBook {
  protected run: Run | null = null;
  /** The last proof of stopped since the last run. */
  protected stoppedAt: number | null = null;
  protected readonly closed: ClosedRun[] = [];
  protected readonly conflicts: Conflict[] = [];

  /** The run is known to have gone on after the proof of stopped that its start's task was around: so it began after it. */
  protected outlive(): void {
    const start = this.run?.start;
    if (start === undefined || start.afterIfOutlived === null) return;
    start.after = Math.max(start.after ?? start.afterIfOutlived, start.afterIfOutlived);
    start.afterIfOutlived = null;
  }

  /** No start lies before what is proven stopped or before the last end could have been. */
  protected lowerBound(): number | null {
    const ended = this.endedAfter();
    if (this.stoppedAt === null) return ended;
    return ended === null ? this.stoppedAt : Math.max(this.stoppedAt, ended);
  }

  /** The earliest instant at which the run before can have ended. */
  protected endedAfter(): number | null {
    return this.closed.at(-1)?.end.window.earliest ?? null;
  }

  protected open(start: StartEvidence, nodeId: number, provenAt: number, provenBy: string): void {
    const edge = startBounds(start);
    this.clipEnd(edge.latest);
    this.run = {
      start,
      segments: [{ nodeId, startedAt: edge.at, endedAt: null }],
      nodeId,
      provenAt: Math.max(provenAt, edge.earliest ?? provenAt),
      provenBy,
      isObserved: false,
    };
  }

  /** Opening the next session, or a proof of stopped, clips the end before it. */
  protected clipEnd(latest: number): void {
    const last = this.closed.at(-1);
    if (last === undefined || last.end.window.latest <= latest) return;
    last.end.window = { earliest: Math.min(last.end.window.earliest, latest), latest };
  }

  /** Ends the run between its last proof and a counter-proof, `likely` then or, where that is null, in the middle. */
  protected closeBy(
    evidence: 'poll' | 'boot',
    reason: EndReason,
    { latest, by }: { latest: number; by: string },
    likely: number | null = null,
  ): void {
    const run = this.run;
    if (run === null) return;
    const window = { earliest: run.provenAt, latest: Math.max(latest, run.provenAt) };
    this.close({ evidence, reason, task: null, window, near: 'middle', likely, proofs: [run.provenBy, by] });
  }

  /** Ends the run by the word of an agent, whose stamp is the likeliest instant, or of a person (ledger rule 22). */
  protected closeTold(source: 'agent' | 'manual', { earliest, latest }: Window, provenBy: string): void {
    const window = { earliest: source === 'manual' ? latest : earliest, latest: Math.max(latest, earliest) };
    const reason = source === 'manual' ? 'manual' : 'unlogged';
    this.close({
      evidence: source,
      reason,
      task: null,
      window,
      near: 'latest',
      likely: null,
      proofs: [provenBy, `reported by ${source}`],
    });
  }

  protected close(end: EndEvidence): void {
    if (this.run === null) return;
    this.closed.push({ run: this.run, end });
    this.run = null;
    this.stoppedAt = null;
  }

  /** The sessions in order, once the last slot was walked through. */
  finish(): { sessions: Session[]; conflicts: Conflict[] } {
    const sessions = this.closed.map(({ run, end }) => sessionOf(run, end));
    if (this.run !== null) sessions.push(sessionOf(this.run, null));
    return { sessions: ordered(sessions), conflicts: this.conflicts };
  }
}
