import type { GuestLife } from './life.js';
import { simulatedClock, type SimulatedClock } from './node-clock.js';
import type { PveVersion, ScenarioNode } from './scenario.js';
import { TaskLog } from './task-log.js';
import { Timeline } from './timeline.js';

/** One run of a node's kernel. The API answers from `upAt` on. */
export interface Boot {
  bootedAt: number;
  upAt: number;
}

export interface JournalEntry {
  at: number;
  identifier: string;
  pid: number;
  message: string;
}

/** A simulated node: its boots, clock, task log, journal, and the guests whose configs lie on it. */
export class Machine {
  readonly clock: SimulatedClock;
  /** Null while it is off. */
  readonly power = new Timeline<Boot | null>();
  readonly roster = new Timeline<readonly GuestLife[]>();
  readonly taskLogs = new Timeline<TaskLog>();
  readonly journal: JournalEntry[] = [];
  readonly journalAts: number[] = [];
  private nextPid = 1000;

  constructor(
    readonly name: string,
    readonly cluster: string,
    readonly version: PveVersion,
    readonly nodeId: number,
    readonly isStandalone: boolean,
    /** Shifts the rounds of its pvestatd against those of others. */
    readonly statPhaseMs: number,
    spec: ScenarioNode,
    beganAt: number,
  ) {
    this.clock = simulatedClock(spec.clock, beganAt);
    this.power.set(spec.bootedAt, { bootedAt: spec.bootedAt, upAt: spec.bootedAt });
    this.roster.set(spec.bootedAt, []);
    this.taskLogs.set(spec.bootedAt, new TaskLog());
  }

  /** The newest boot; null while off. */
  get boot(): Boot | null {
    return this.power.latest ?? null;
  }

  get taskLog(): TaskLog {
    const log = this.taskLogs.latest;
    if (log === undefined) throw new Error('a node without a task log');
    return log;
  }

  get guests(): readonly GuestLife[] {
    return this.roster.latest ?? [];
  }

  /** True when its API answers at `at`. */
  isUpAt(at: number): boolean {
    const boot = this.power.at(at);
    return boot !== null && boot !== undefined && boot.upAt <= at;
  }

  /** Turns it off, or on with a boot; process ids begin anew with each kernel. */
  switchTo(at: number, boot: Boot | null): void {
    this.power.set(at, boot);
    if (boot !== null) this.nextPid = 1000;
  }

  /** The last instant up to `at` at which its API answered; `at` itself where it never did. */
  lastUpAt(at: number): number {
    let instant = at;
    while (!this.isUpAt(instant)) {
      const since = this.power.heldSince(instant);
      if (since === undefined) return at;
      instant = since - 1;
    }
    return instant;
  }

  allocatePid(gap: number): number {
    this.nextPid += 1 + gap;
    return this.nextPid;
  }

  note(entry: JournalEntry): void {
    this.journal.push(entry);
    this.journalAts.push(entry.at);
  }

  /** The newest round of its pvestatd (one every 10 s) at or before `at` in which it was up; null when there was none in the 300 s before: then all has expired. */
  lastBroadcastAt(at: number): number | null {
    const oldest = at - 300_000;
    for (let round = this.nextBroadcastAt(at) - 10_000; round > oldest; round -= 10_000) {
      if (this.isUpAt(round)) return round;
    }
    return null;
  }

  nextBroadcastAt(at: number): number {
    return Math.floor((at - this.statPhaseMs) / 10_000) * 10_000 + this.statPhaseMs + 10_000;
  }
}
