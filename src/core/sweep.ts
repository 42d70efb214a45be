import { firstDumpAt, hasTriedToMove } from './backup-process.js';
import { unknownStart } from './edge.js';
import { fencedAt, hostGoneAt } from './host-gone.js';
import { PossibleBook } from './possible-book.js';
import { isContinued, laterOf, switchTo, type Run } from './run.js';
import type { Slot, SlotEvent } from './slot.js';
import type { Span } from './span.js';
import {
  backupAround,
  guestTypeOf,
  isBirthOrDeath,
  mayHaveBegunBy,
  restartOf,
  settledAt,
  spanOf,
  type Task,
  type TaskEffect,
} from './task.js';
import { meets, type Window } from './window.js';

/** What the sweep needs beside the slots. */
export interface SweepContext {
  coverageSince: ReadonlyMap<number, number>;
  tasks: readonly Task[];
  asOf: number;
}

/** One walk through slots and spans in order, carrying the run under way (ledger.md, "The method"). */
export class Sweep extends PossibleBook {
  private hasHistory = false;

  constructor(private readonly context: SweepContext) {
    super();
  }

  apply(event: SlotEvent, slot: Slot): void {
    if (event.kind === 'boot') {
      this.boot(event.nodeId, event.window, slot);
      return;
    }
    if (event.effect.edge === 'start') this.startTask(event.task, event.effect, event.window);
    else if (event.effect.edge === 'end') this.endTask(event.task, event.effect, slot);
    else this.move(event.task, event.window, event.targetId, slot);
    // What changed nothing told nothing of what was before it.
    const hasTold = this.run !== null || this.possible !== null || this.closed.length > 0;
    if (hasTold || isBirthOrDeath(event.task)) this.hasHistory = true;
  }

  private boot(nodeId: number, window: Window, slot: Slot): void {
    const { run } = this;
    if (run === null || run.nodeId !== nodeId || run.provenAt > window.latest) return;
    const counterProof = { latest: window.latest, by: 'the node booted anew' };
    this.closeBy('boot', 'host', counterProof, hostGoneAt(run, window, slot));
  }

  /** A start whose process no sample shows. */
  private startTask(task: Task, effect: TaskEffect, window: Window): void {
    // What was suspended to disk begins anew when it is resumed; resuming from RAM starts nothing.
    const isResume = task.type.endsWith('resume');
    if (isResume && (this.run !== null || this.closed.at(-1)?.end.reason !== 'suspend')) return;
    if (!effect.isCertain && !isResume) {
      this.notePossible(task, window);
      return;
    }
    // An OK start means that nothing ran: what ran before ended without a trace.
    if (this.run !== null) this.closeBy('poll', 'unlogged', { latest: window.latest, by: `task ${task.upid}` });
    this.openByTask(task, window, this.lowerBound());
  }

  private endTask(task: Task, effect: TaskEffect, slot: Slot): void {
    const latest = task.end?.latest ?? this.context.asOf;
    if (effect.isCertain && (this.possible?.isContainers !== true || guestTypeOf(task.type) === 'lxc')) {
      this.openPossible(task.nodeId);
    }
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
    this.outlive();
    this.close({
      evidence: 'task',
      reason: effect.reason,
      task,
      window: { earliest: this.endBound(task, effect, run), latest },
      near: effect.near,
      likely: null,
      proofs: [run.provenBy, `task ${task.upid}`],
    });
    const backup = backupAround(task, this.context.tasks, this.context.asOf);
    if (backup !== null) this.notePossible(backup, spanOf(backup, this.context.asOf));
  }

  /** A task that succeeds on a stopped guest too does not prove that the run lasted until it began, unless it started it again. */
  private endBound(task: Task, effect: TaskEffect, run: Run): number {
    const isProven = effect.isCertain || restartOf(task, this.context.tasks, this.context.asOf) !== null;
    return isProven ? Math.max(run.provenAt, task.start.earliest) : run.provenAt;
  }

  private openBeforeLog(task: Task): void {
    const since = this.context.coverageSince.get(task.nodeId) ?? task.start.earliest;
    const at = Math.min(since, task.start.earliest);
    // What lies between the log's beginning and this task may have restarted it.
    const before = mayHaveBegunBy(task, this.context.tasks, this.context.asOf, at);
    this.possible = null;
    this.open(
      { ...unknownStart, taskWindow: { earliest: at, latest: before }, before, isLogEdge: true },
      task.nodeId,
      at,
      'the task log begins later',
    );
  }

  private move(task: Task, window: Window, targetId: number | null, slot: Slot): void {
    if (targetId === null) {
      this.moveAway(task, window);
      return;
    }
    this.openPossible(task.nodeId);
    // What is moved while it runs ran before: as the first event of the log it tells of a run before it.
    if (this.run === null && !this.hasHistory && slot.left === null) this.openBeforeLog(task);
    const run = this.run;
    if (run === null || run.nodeId !== task.nodeId) return;
    const seenAt = slot.bornBy === task ? (slot.right?.first.receivedAt ?? window.latest) : window.latest;
    const latest = Math.min(seenAt, window.latest);
    switchTo(run, targetId, Math.max(run.provenAt, window.earliest, latest - 1000));
  }

  /** Moved while it ran, and no member that we see has it: the run goes on where we do not look (rule 14). */
  private moveAway(task: Task, window: Window): void {
    const run = this.run;
    const settlesAt = settledAt(task);
    if (settlesAt === null || this.context.asOf < settlesAt) return;
    if (run === null || run.nodeId !== task.nodeId || run.provenAt > window.latest) return;
    // A stopped guest is moved just as well, so that it ran until then is not proven.
    const proofs = [run.provenBy, `task ${task.upid}`];
    this.close({
      evidence: 'task',
      reason: 'migrated_away',
      task,
      window: { earliest: run.provenAt, latest: window.latest },
      near: 'end',
      likely: null,
      proofs,
    });
  }

  /** The sweep comes to a span: its samples confirm, open or end a run. */
  meet(span: Span, slot: Slot): void {
    if (span.state === 'running') this.meetRunning(span, slot);
    else this.meetStopped(span);
    this.hasHistory = true;
  }

  private meetStopped(span: Span): void {
    if (this.run !== null) this.closeSeenStopped(this.run, span);
    this.clipEnd(span.first.receivedAt);
    this.stoppedAt = span.last.sentAt;
    if (this.possible === null) return;
    // Stopped while the task runs on only raises the start's lower bound; stopped after it means that nothing began.
    if (span.last.sentAt < this.possible.window.latest) this.possible.after = span.last.sentAt;
    else this.possible = null;
  }

  /** A backup in stop mode stops a container without a task, and starts it again (ledger rule 10). */
  private closeSeenStopped(run: Run, span: Span): void {
    const { tasks, asOf } = this.context;
    const window = { earliest: run.provenAt, latest: span.first.receivedAt };
    if (span.source !== undefined) {
      this.closeTold(span.source, window, run.provenBy);
      return;
    }
    this.closeBy('poll', 'unlogged', { latest: span.first.receivedAt, by: 'a sample of stopped' });
    const backup = tasks.findLast((task) => task.type === 'vzdump' && meets(spanOf(task, asOf), window));
    if (backup?.nodeId === run.nodeId) this.notePossible(backup, spanOf(backup, asOf), true);
  }

  private meetRunning(span: Span, slot: Slot): void {
    if (slot.bornBy !== null) this.openPossible(slot.bornBy.nodeId);
    const run = this.run;
    if (run !== null && isContinued(span, slot, run)) {
      if (run.nodeId !== span.nodeId) switchTo(run, span.nodeId, span.first.receivedAt);
    } else {
      if (run !== null) this.closeBefore(span, slot, run);
      this.openObserved(span, slot);
    }
    if (this.run === null) return;
    this.outlive();
    this.run.isObserved = true;
    this.run.provenAt = span.last.sentAt;
    this.run.provenBy = 'a sample of running';
    this.stoppedAt = null;
  }

  /** Another process is seen: the one before ended, and nothing said so but, perhaps, the task that restarted it. */
  private closeBefore(span: Span, slot: Slot, run: Run): void {
    const task = slot.startTask;
    // A process that is older than the run says nothing of when it began: its task does.
    const isOlder = span.isBarred || slot.isResumed;
    const begun = isOlder ? (task === null ? null : spanOf(task, this.context.asOf)) : span.start;
    const latest = begun?.latest ?? span.first.receivedAt;
    if (task?.type === 'vzdump' && run.nodeId === task.nodeId && !hasTriedToMove(this.context, run, latest)) {
      const { tasks, asOf } = this.context;
      const earliest = Math.max(run.provenAt, firstDumpAt(tasks, task, { earliest: run.provenAt, latest }, asOf));
      const window = { earliest, latest: Math.max(latest, earliest) };
      const proofs = [run.provenBy, `task ${task.upid}`];
      this.close({ evidence: 'task', reason: 'backup', task, window, near: 'middle', likely: null, proofs });
      return;
    }
    const counterProof = { latest, by: 'the start of the next process' };
    if (run.nodeId === span.nodeId || span.source !== undefined) this.closeBy('poll', 'unlogged', counterProof);
    else this.closeBy('poll', 'fenced', counterProof, fencedAt(run, latest));
  }

  private openObserved(span: Span, slot: Slot): void {
    const task = slot.startTask;
    const isBarred = span.isBarred || slot.isResumed;
    const last = this.closed.at(-1);
    this.nameBackup(task);
    if (last?.end.reason === 'host' && last.run.nodeId !== span.nodeId) last.end.reason = 'fenced';
    this.possible = null;
    this.open(
      {
        uptime: isBarred ? null : span.start,
        isYoung: span.isYoung && !isBarred,
        task,
        taskWindow: task === null ? null : spanOf(task, this.context.asOf),
        // A run in a process that was there before it cannot be older than the process.
        after: laterOf(this.lowerBound(), isBarred ? (span.start?.earliest ?? null) : null),
        afterIfOutlived: null,
        before: span.first.receivedAt,
        isLogEdge: false,
        source: span.source,
        actor: span.actor,
      },
      span.nodeId,
      span.first.sentAt,
      'a sample of running',
    );
  }
}
