import { Timeline, countUpTo } from './timeline.js';

/** An index file is renamed to index.1 once it has grown past this (pve-common, RESTEnvironment.pm active_workers). */
const rotateBytes = 50_000;

export interface SimulatedTask {
  upid: string;
  node: string;
  pid: number;
  pstart: number;
  startTimeS: number;
  type: string;
  id: string;
  /** Without the token's name. */
  user: string;
  tokenName: string | null;
  startAt: number;
  /** When its worker ended, and how; noticed (and archived) at `noticedAt` or later. */
  doneAt: number | null;
  status: string | null;
  noticedAt: number | null;
  endTimeS: number | null;
  /** What its log says before the last line. */
  lines: string[];
  runningRow: Record<string, unknown>;
  finishedRow: Record<string, unknown>;
}

/** One node's task log: the active file and the two index files, readable at any past instant. */
export class TaskLog {
  private readonly active = new Timeline<readonly SimulatedTask[]>();
  private readonly archived: SimulatedTask[] = [];
  private readonly archivedAts: number[] = [];
  /** Of each archived line, the first line that is still readable once it is written. */
  private readonly readableFrom: number[] = [];
  private fileStart = 0;
  private previousFileStart = 0;
  private fileBytes = 0;

  begin(task: SimulatedTask): void {
    this.active.set(task.startAt, [task, ...(this.active.latest ?? [])]);
  }

  /** The tasks still in the active file, newest first. */
  running(): readonly SimulatedTask[] {
    return this.active.latest ?? [];
  }

  /** Moves noticed tasks from the active file to the index, in their order. */
  archive(tasks: readonly SimulatedTask[], at: number): void {
    const moved = new Set(tasks);
    this.active.set(
      at,
      this.running().filter((task) => !moved.has(task)),
    );
    for (const task of tasks) this.append(task, at);
  }

  private append(task: SimulatedTask, at: number): void {
    this.archived.push(task);
    this.archivedAts.push(at);
    this.readableFrom.push(this.previousFileStart);
    this.fileBytes += task.upid.length + (task.status ?? '').length + 11;
    if (this.fileBytes > rotateBytes) {
      this.previousFileStart = this.fileStart;
      this.fileStart = this.archived.length;
      this.fileBytes = 0;
      this.readableFrom[this.readableFrom.length - 1] = this.previousFileStart;
    }
  }

  activeAt(at: number): readonly SimulatedTask[] {
    return this.active.at(at) ?? [];
  }

  /** The archived tasks readable at `at` are `archived[first .. last]`, newest at the end. */
  readableAt(at: number): { first: number; last: number } {
    const last = countUpTo(this.archivedAts, at) - 1;
    return { first: last < 0 ? 0 : (this.readableFrom[last] ?? 0), last };
  }

  archivedTask(index: number): SimulatedTask | undefined {
    return this.archived[index];
  }

  /** A task by its UPID, if its log file can still be read at `at`. */
  find(upid: string, at: number): SimulatedTask | undefined {
    const active = this.activeAt(at).find((task) => task.upid === upid);
    if (active !== undefined) return active;
    const { first, last } = this.readableAt(at);
    for (let index = last; index >= first; index -= 1) {
      if (this.archived[index]?.upid === upid) return this.archived[index];
    }
    return undefined;
  }
}
