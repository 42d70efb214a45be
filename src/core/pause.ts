import type { Evidence } from './evidence.js';
import type { PauseKind, PauseSpan, RunState } from './pause-span.js';
import { PauseSweep } from './pause-sweep.js';
import type { Session } from './session.js';
import type { Span } from './span.js';
import type { Task } from './task.js';
import { middle, type Window } from './window.js';

/** One end of a pause: the truth lies in [earliest, latest], `at` is its likeliest instant. */
export interface PauseEdge {
  at: number;
  earliest: number;
  latest: number;
  evidence: Evidence;
  /** The task that explains it. */
  upid: string | null;
}

/** A stretch of a session in which its CPUs stood still (ledger rule 17), as derived. */
export interface Pause {
  kind: PauseKind;
  start: PauseEdge;
  /** Null while it lasts. */
  end: PauseEdge | null;
}

/** A sample, or a task that was done: the state was reached, or held, at some instant of the window. */
export interface PauseMark {
  state: RunState;
  window: Window;
  task: Task | null;
}

/** What tasks do to a running process's CPUs. A reset does nothing: QEMU goes on to stand still until it is resumed. */
const TOLD_BY: Readonly<Record<string, RunState>> = { qmpause: 'paused', qmresume: 'running' };

/**
 * The sessions with the pauses that samples and tasks tell: disjoint, in order, and within their session, whose end ends them.
 * Each sample belongs to the session of its process, and each task to the session in which it began.
 */
export function withPauses(sessions: readonly Session[], spans: readonly Span[], tasks: readonly Task[]): Session[] {
  const told = tasks.filter((task) => TOLD_BY[task.type] !== undefined && task.outcome === 'ok' && task.end !== null);
  if (told.length === 0 && spans.every((span) => span.pauses.length === 0)) return [...sessions];
  const byOwner = sessions.map(() => ({ tasks: [] as PauseMark[], samples: [] as PauseMark[] }));
  const ownerAt = (at: number, until: number): number =>
    sessions.findLastIndex(
      ({ start, end }) =>
        (start.earliest ?? Number.NEGATIVE_INFINITY) <= at && until <= (end?.latest ?? Number.POSITIVE_INFINITY),
    );
  for (const span of spans) {
    const first = ownerAt(span.first.receivedAt, span.first.sentAt);
    for (const pause of span.pauses)
      byOwner[laterOwner(sessions, first, span, pause)]?.samples.push(...samplesOf(pause));
  }
  for (const task of told) {
    const k = ownerAt(middle(task.start), task.start.earliest);
    // What was suspended to disk began anew with this task.
    if (sessions[k]?.start.upid !== task.upid) byOwner[k]?.tasks.push(markOf(task));
  }
  return sessions.map((session, k) => {
    const marks = byOwner[k] ?? { tasks: [], samples: [] };
    return { ...session, pauses: pausesOf(session, marks.tasks, marks.samples) };
  });
}

function markOf(task: Task): PauseMark {
  const latest = Math.max(task.start.latest, task.end?.latest ?? task.start.latest);
  return { state: TOLD_BY[task.type] ?? 'running', window: { earliest: task.start.earliest, latest }, task };
}

/** A start within a backup begins another session in the same process: what was seen after the one before is of it. */
function laterOwner(sessions: readonly Session[], first: number, span: Span, { first: seen }: PauseSpan): number {
  let k = first;
  for (let next = sessions[k + 1]; next !== undefined; next = sessions[k + 1]) {
    const end = sessions[k]?.end;
    const isOver = end !== null && end !== undefined && end.latest < seen.earliest;
    if (!isOver || next.start.at > Math.min(seen.latest, span.last.receivedAt)) break;
    k += 1;
  }
  return k;
}

function samplesOf({ kind, before, first, last, after }: PauseSpan): PauseMark[] {
  return [
    ...(before === null ? [] : [{ state: 'running' as const, window: before, task: null }]),
    { state: kind, window: first, task: null },
    { state: kind, window: last, task: null },
    ...(after === null ? [] : [{ state: 'running' as const, window: after, task: null }]),
  ];
}

function pausesOf(session: Session, tasks: readonly PauseMark[], samples: readonly PauseMark[]): Pause[] {
  const sweep = new PauseSweep(session);
  for (const mark of inTurn(tasks, samples)) sweep.apply(mark);
  return sweep.finish();
}

/**
 * Tasks by their start, and each sample between two of them: among the places that its window allows the first whose state
 * fits, for a sample near a task is rather of the side that it agrees with.
 */
function inTurn(tasks: readonly PauseMark[], samples: readonly PauseMark[]): PauseMark[] {
  const turn: PauseMark[] = [];
  let passed = 0;
  for (const sample of samples) {
    const { earliest, latest } = sample.window;
    const lowest = Math.max(passed, tasks.findLastIndex((task) => task.window.latest < earliest) + 1);
    const highest = Math.max(lowest, tasks.findLastIndex((task) => task.window.earliest <= latest) + 1);
    let place = lowest;
    while (place < highest && !isAlike(tasks[place - 1]?.state ?? 'running', sample.state)) place += 1;
    if (!isAlike(tasks[place - 1]?.state ?? 'running', sample.state)) place = lowest;
    turn.push(...tasks.slice(passed, place), sample);
    passed = place;
  }
  return [...turn, ...tasks.slice(passed)];
}

function isAlike(a: RunState, b: RunState): boolean {
  return (a === 'running') === (b === 'running');
}
