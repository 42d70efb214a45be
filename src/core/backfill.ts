import { guestKey, type GuestState } from './guest.js';
import type { NodeClock } from './node-clock.js';
import { bootByTask, bootsWith, type NodeState } from './node-state.js';
import type { Task } from './task.js';
import { taskInstants } from './task-instants.js';
import { intersect, type Window } from './window.js';

/** Readings of the clock after which stamps are converted anew: each costs a row a task, and most is won by the first. */
const ANEW_AFTER: ReadonlySet<number> = new Set([3, 6, 12]);

/** The node and its guests with what was converted anew, the guests by key. */
export interface ConvertedBackfill {
  node: NodeState;
  guests: Map<string, GuestState>;
}

/**
 * What was read at first contact, converted anew from its raw stamps while the clock still narrows (ledger rule 11): within its
 * first dozen readings and never across a step. Null where it is not due; bounds are only ever cut.
 */
export function convertedAnew(
  earlier: NodeClock | null,
  node: NodeState,
  guests: () => Iterable<GuestState>,
): ConvertedBackfill | null {
  const { clock, uptimeClock } = node;
  // Without the boot a stamp of an earlier one cannot be told from one of this.
  if (clock === null || earlier === clock || uptimeClock === null) return null;
  if (!ANEW_AFTER.has(clock.readingCount) || clock.before !== null || uptimeClock.before !== null) return null;
  const narrowed = new Map<string, GuestState>();
  let { boots } = node;
  const convert = (tasks: readonly Task[]): Task[] | null => {
    const converted = tasks.map((task) => (task.nodeId === node.id ? taskAnew(task, clock, uptimeClock) : task));
    const changed = converted.filter((task, k) => task !== tasks[k]);
    for (const task of changed) boots = bootsWith(boots, bootByTask(task.start, task.raw.pstart));
    return changed.length === 0 ? null : converted;
  };
  const nodeTasks = convert(node.tasks);
  for (const guest of guests()) {
    const tasks = convert(guest.tasks);
    // A backup of several guests is a fact of each guest of its node.
    const isConcerned = nodeTasks !== null && guest.nodeId === node.id;
    if (tasks === null && !isConcerned) continue;
    narrowed.set(guestKey(guest.type, guest.vmid), { ...guest, tasks: tasks ?? guest.tasks });
  }
  return { node: { ...node, boots, tasks: nodeTasks ?? node.tasks }, guests: narrowed };
}

/** The task with narrower windows; itself where it was not read at first contact, or nothing is won. */
function taskAnew(task: Task, clock: NodeClock, boot: NodeClock): Task {
  const known = task.end ?? task.start;
  if (known.earliest >= clock.since) return task;
  const { startS, endS, pstart } = task.raw;
  const anew = taskInstants({ startTimeS: startS, endTimeS: endS, pstart }, boot, clock, null);
  const start = narrower(task.start, anew.start);
  const end = task.end === null || anew.end === null ? task.end : narrower(task.end, anew.end);
  return start === task.start && end === task.end ? task : { ...task, start, end };
}

/** Both conversions hold the truth; where they exclude each other the first one stays, frozen like all others. */
function narrower(known: Window, anew: Window): Window {
  const both = intersect(known, anew);
  return both === null || widthMs(both) >= widthMs(known) ? known : both;
}

function widthMs({ earliest, latest }: Window): number {
  return latest - earliest;
}
