import { unknownStart } from './edge.js';
import { RunBook } from './run-book.js';
import type { Task } from './task.js';
import type { Window } from './window.js';

/** A start that an enclosing task may hold: a later proof makes it a run, or nothing does (ledger rule 10). */
interface Possible {
  task: Task;
  window: Window;
  after: number | null;
  /** True where only a stop of a container proves it: of a VM, the backup's shutdown would have told. */
  isContainers: boolean;
}

/** The book of runs with one start that is possible and not proven yet (ledger rule 10). */
export class PossibleBook extends RunBook {
  protected possible: Possible | null = null;

  protected notePossible(task: Task, window: Window, isContainers = false): void {
    if (this.run !== null) return;
    this.possible = { task, window, after: this.lowerBound(), isContainers };
  }

  /** A proof that needs a run behind it makes the possible start one. */
  protected openPossible(nodeId: number): void {
    const { possible } = this;
    if (this.run !== null || possible === null || possible.task.nodeId !== nodeId) return;
    this.nameBackup(possible.task);
    this.openByTask(possible.task, possible.window, possible.after);
  }

  /** The shutdown inside a backup that started the guest again was the backup's. */
  protected nameBackup(task: Task | null): void {
    const last = this.closed.at(-1);
    if (task?.type === 'vzdump' && last?.end.task?.type === 'qmshutdown') last.end.reason = 'backup';
  }

  /** Stopped within the task: the run began after it or, where nothing more is known of it, was over by then. */
  protected openByTask(task: Task, window: Window, after: number | null): void {
    this.possible = null;
    const isAround = after !== null && after > window.earliest;
    const afters = { after: isAround ? this.endedAfter() : after, afterIfOutlived: isAround ? after : null };
    this.open(
      { ...unknownStart, task, taskWindow: window, ...afters },
      task.nodeId,
      task.start.earliest,
      `task ${task.upid}`,
    );
  }
}
