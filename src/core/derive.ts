import { withoutBackups } from './backup-process.js';
import { withJournal, type JournalMark } from './journal.js';
import type { GuestType } from './observation.js';
import { withPauses } from './pause.js';
import type { RrdMark } from './rrd.js';
import { withRrd } from './rrd-ends.js';
import type { Conflict, Session } from './session.js';
import { slotsOf, type Boot } from './slot.js';
import type { Span } from './span.js';
import { Sweep } from './sweep.js';
import type { Task } from './task.js';

/** All that is known of one incarnation. */
export interface GuestFacts {
  /** A backup makes processes of its own for VMs alone. */
  type: GuestType;
  /** In order of their samples. */
  spans: readonly Span[];
  tasks: readonly Task[];
  /** Boots of the nodes that the guest was on. */
  boots: readonly Boot[];
  /** Where the task log begins, per node: a run whose start it does not reach began before. */
  coverageSince: ReadonlyMap<number, number>;
  /** What nodes' journals told of ends, where they were asked. */
  journal?: readonly JournalMark[] | undefined;
  /** What nodes' rrd data told of wide ends, where it was asked. */
  rrd?: readonly RrdMark[] | undefined;
  /** The instant up to which the facts speak. */
  asOf: number;
}

export interface Derived {
  sessions: Session[];
  conflicts: Conflict[];
}

/**
 * The guest's sessions, rebuilt from its facts alone: the same facts in any order and number yield the same sessions
 * (ledger.md, "The method"). Sessions are in time order, and only the last can be open.
 */
export function derive(facts: GuestFacts): Derived {
  const tasks = inOrder(facts.tasks);
  const spans = facts.type === 'lxc' ? facts.spans : withoutBackups(facts.spans, tasks, facts.asOf);
  const sweep = new Sweep({ coverageSince: facts.coverageSince, tasks, asOf: facts.asOf });
  for (const slot of slotsOf(spans, tasks, facts.boots, facts.asOf)) {
    for (const event of slot.events) sweep.apply(event, slot);
    if (slot.right !== null) sweep.meet(slot.right, slot);
  }
  const { sessions, conflicts } = sweep.finish();
  // The stronger evidence first: what the journal told is not wide any more.
  const byJournal = withJournal(sessions, facts.journal ?? [], facts.type === 'lxc' ? [] : tasks, facts.asOf);
  const ended = withRrd(byJournal, facts.rrd ?? [], tasks, facts.asOf);
  return { sessions: withPauses(ended, facts.spans, tasks), conflicts };
}

/** Each task once, by start; never by end, which is stamped late (ledger rule 7). */
function inOrder(tasks: readonly Task[]): readonly Task[] {
  if (tasks.length < 2) return tasks;
  const once = new Map(tasks.map((task) => [task.upid, task]));
  return [...once.values()].sort((a, b) => a.start.earliest - b.start.earliest || (a.upid < b.upid ? -1 : 1));
}
