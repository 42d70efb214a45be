import { openEdge, type EndEvidence, type StartEvidence } from './edge.js';
import { ordered, sessionOf, type ClosedRun, type Run } from './run.js';
import type { Conflict, Session } from './session.js';
import type { Slot, SlotEvent } from './slot.js';
import type { Span } from './span.js';
import type { Task, TaskEffect } from './task.js';
import type { Window } from './window.js';

/** One walk through slots and spans in order, carrying the run under way (ledger.md, "The method"). */
export class Sweep {
  private run: Run | null = null;
  private stoppedAt: number | null = null;
  private hasHistory = false;
  private readonly closed: ClosedRun[] = [];
  private readonly conflicts: Conflict[] = [];

  constructor(
    private readonly coverageSince: ReadonlyMap<number, number>,
    private readonly asOf: number,
  ) {}

  apply(event: SlotEvent, slot: Slot): void {
    if (event.kind === 'boot') this.boot(event.nodeId, event.window);
    else if (event.effect.edge === 'start') this.startTask(event.task, event.window, slot);
    else if (event.effect.edge === 'end') this.endTask(event.task, event.effect, slot);
    else this.move(event.task, event.window, slot);
    this.hasHistory = true;
  }

  private boot(nodeId: number, window: Window): void {
    if (this.run === null || this.run.nodeId !== nodeId || this.run.provenAt > window.latest) return;
    this.close({
      evidence: 'boot',
      reason: 'host',
      task: null,
      window: { earliest: this.run.provenAt, latest: window.latest },
      near: 'middle',
      proofs: [this.run.provenBy, 'the node booted anew'],
    });
  }

  private startTask(task: Task, window: Window, slot: Slot): void {
    // An OK start means that nothing ran: what ran before ended without a trace.
    if (this.run !== null) this.closeUnlogged(window.latest, `task ${task.upid}`);
    const isNext = slot.startTask === task && slot.right !== null;
    this.open(
      {
        uptime: isNext && slot.right?.isBarred === false ? slot.right.start : null,
        isYoung: isNext && (slot.right?.isYoung ?? false),
        task,
        taskWindow: window,
        after: this.lowerBound(),
        before: isNext ? (slot.right?.first.receivedAt ?? null) : null,
        isLogEdge: false,
      },
      task.nodeId,
      task.start.earliest,
      `task ${task.upid}`,
    );
  }

  private endTask(task: Task, effect: TaskEffect, slot: Slot): void {
    const latest = task.end?.latest ?? this.asOf;
    if (this.run === null) {
      // A stop of a stopped guest also returns OK; only as the guest's first event does it tell of a run before the log.
      if (this.hasHistory || slot.left !== null || !effect.isCertain) return;
      this.openBeforeLog(task);
    }
    const run = this.run;
    if (run === null || run.nodeId !== task.nodeId) return;
    if (run.provenAt > latest) {
      this.conflicts.push({ edge: 'end', kept: run.provenBy, setAside: `task ${task.upid}`, at: latest });
      return;
    }
    this.close({
      evidence: 'task',
      reason: effect.reason,
      task,
      window: { earliest: Math.max(run.provenAt, task.start.earliest), latest },
      near: effect.near,
      proofs: [run.provenBy, `task ${task.upid}`],
    });
  }

  private openBeforeLog(task: Task): void {
    const since = this.coverageSince.get(task.nodeId) ?? task.start.earliest;
    const at = Math.min(since, task.start.latest);
    this.open(
      { uptime: null, isYoung: false, task: null, taskWindow: null, after: null, before: at, isLogEdge: true },
      task.nodeId,
      at,
      'the task log begins later',
    );
  }

  private move(task: Task, window: Window, slot: Slot): void {
    const run = this.run;
    const target = slot.bornBy === task ? slot.right : null;
    if (run === null || run.nodeId !== task.nodeId || target === null) return;
    const switched = {
      earliest: Math.max(run.provenAt, window.earliest),
      latest: Math.min(target.first.receivedAt, window.latest),
    };
    this.switchTo(target.nodeId, Math.max(switched.earliest, switched.latest - 1000));
  }

  private switchTo(nodeId: number, at: number): void {
    const run = this.run;
    const last = run?.segments.at(-1);
    if (run === null || last === undefined) return;
    last.endedAt = at;
    run.segments.push({ nodeId, startedAt: at, endedAt: null });
    run.nodeId = nodeId;
  }

  /** The sweep comes to a span: its samples confirm, open or end a run. */
  meet(span: Span, slot: Slot): void {
    if (span.state === 'stopped') {
      if (this.run !== null) this.closeUnlogged(span.first.receivedAt, 'a sample of stopped');
      this.clipEnd(span.first.receivedAt);
      this.stoppedAt = span.last.sentAt;
    } else {
      this.meetRunning(span, slot);
    }
    this.hasHistory = true;
  }

  private meetRunning(span: Span, slot: Slot): void {
    const run = this.run;
    if (run !== null && this.isContinued(span, slot)) {
      if (run.nodeId !== span.nodeId) this.switchTo(span.nodeId, span.first.receivedAt);
    } else {
      if (run !== null && (run.isObserved || slot.startTask === null || slot.startTask !== run.start.task)) {
        this.closeUnlogged(span.start?.latest ?? span.first.receivedAt, 'the start of the next process');
      }
      if (this.run === null) this.openObserved(span);
    }
    if (this.run === null) return;
    this.run.isObserved = true;
    this.run.provenAt = span.last.sentAt;
    this.run.provenBy = 'a sample of running';
    this.stoppedAt = null;
  }

  /** A process that came by live migration, or whose uptime reaches back before the last sample elsewhere, continues the run (rule 14). */
  private isContinued(span: Span, slot: Slot): boolean {
    if (slot.bornBy !== null) return true;
    const left = slot.left;
    return (
      left?.state === 'running' &&
      left.nodeId !== span.nodeId &&
      span.start !== null &&
      span.start.latest < left.last.sentAt &&
      slot.events.length === 0
    );
  }

  private openObserved(span: Span): void {
    this.open(
      {
        uptime: span.isBarred ? null : span.start,
        isYoung: span.isYoung,
        task: null,
        taskWindow: null,
        after: this.lowerBound(),
        before: span.first.receivedAt,
        isLogEdge: false,
      },
      span.nodeId,
      span.first.sentAt,
      'a sample of running',
    );
  }

  /** No start lies before what is proven stopped or before the last end could have been. */
  private lowerBound(): number | null {
    const ended = this.closed.at(-1)?.end.window.earliest ?? null;
    if (this.stoppedAt === null) return ended;
    return ended === null ? this.stoppedAt : Math.max(this.stoppedAt, ended);
  }

  private open(start: StartEvidence, nodeId: number, provenAt: number, provenBy: string): void {
    const edge = openEdge(start);
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
  private clipEnd(latest: number): void {
    const last = this.closed.at(-1);
    if (last === undefined || last.end.window.latest <= latest) return;
    last.end.window = { earliest: Math.min(last.end.window.earliest, latest), latest };
  }

  private closeUnlogged(latest: number, counterProof: string): void {
    const run = this.run;
    if (run === null) return;
    this.close({
      evidence: 'poll',
      reason: 'unlogged',
      task: null,
      window: { earliest: run.provenAt, latest: Math.max(latest, run.provenAt) },
      near: 'middle',
      proofs: [run.provenBy, counterProof],
    });
  }

  private close(end: EndEvidence): void {
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
