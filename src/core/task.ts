import type { EndReason } from './evidence.js';
import type { GuestType } from './observation.js';
import { meets, type Window } from './window.js';

export type TaskOutcome = 'running' | 'ok' | 'failed' | 'unknown';

/** A task of the log as a fact: its start and end as windows on the manager's clock. */
export interface Task {
  upid: string;
  /** Our id of the node that ran it. */
  nodeId: number;
  type: string;
  /** Null: it concerns every guest of its node (vzdump of several). */
  vmid: number | null;
  user: string;
  outcome: TaskOutcome;
  start: Window;
  /** As the log has them: whole seconds of the node's clock, and ticks of 10 ms since its boot. */
  raw: { startS: number; endS: number | null; pstart: number };
  /** Null while it runs. An upper bound: completion is stamped when it is noticed, up to 10 s late. */
  end: Window | null;
}

/** What a task can have done to a guest's process (proxmox-api.md, section 2). */
export interface TaskEffect {
  edge: 'end' | 'start' | 'move';
  reason: EndReason;
  /** False: an OK task of this type need not have had this effect; another proof decides (ledger rule 10). */
  isCertain: boolean;
  /** Where within its task the edge likely lies. */
  near: 'start' | 'end' | 'middle';
}

const STOPS: Record<string, Omit<TaskEffect, 'edge'>> = {
  qmstop: { reason: 'stop', isCertain: true, near: 'start' },
  vzstop: { reason: 'stop', isCertain: true, near: 'start' },
  qmshutdown: { reason: 'shutdown', isCertain: true, near: 'end' },
  vzshutdown: { reason: 'shutdown', isCertain: true, near: 'end' },
  qmreboot: { reason: 'reboot', isCertain: true, near: 'end' },
  qmsuspend: { reason: 'suspend', isCertain: true, near: 'end' },
  vzsuspend: { reason: 'suspend', isCertain: true, near: 'end' },
  // An orderly shutdown, and the start as soon as it is done: the run ends near the task's end, not near its beginning.
  vzreboot: { reason: 'reboot', isCertain: true, near: 'end' },
  // These end a run only where there was one: on a stopped guest they succeed just as well.
  qmrollback: { reason: 'rollback', isCertain: false, near: 'start' },
  vzrollback: { reason: 'rollback', isCertain: false, near: 'start' },
  vzmigrate: { reason: 'migrate', isCertain: false, near: 'start' },
  qmdestroy: { reason: 'destroy', isCertain: false, near: 'middle' },
  vzdestroy: { reason: 'destroy', isCertain: false, near: 'middle' },
};

/** Whether an OK task of this type is sure to have started a process. */
const STARTS: Record<string, boolean> = {
  qmstart: true,
  vzstart: true,
  vzreboot: true,
  qmresume: false,
  vzresume: false,
  qmrollback: false,
  qmcreate: false,
  qmrestore: false,
  qmtunnel: false,
  vzmtunnel: false,
  vzdump: false,
};

/** Types that are kept as evidence; all others touch no guest's process. */
export const EVIDENCE_TYPES: ReadonlySet<string> = new Set([
  ...Object.keys(STOPS),
  ...Object.keys(STARTS),
  'qmigrate',
  'vzcreate',
  'vzrestore',
  'qmclone',
  'vzclone',
  'qmpause',
]);

/**
 * What the task did, in order; empty for a failed one, which proves nothing (ledger rule 9).
 * A running one may have started a process already, but has ended none that we may count.
 */
export function effectsOf(task: Task): TaskEffect[] {
  if (task.outcome === 'failed' || task.outcome === 'unknown') return [];
  const effects: TaskEffect[] = [];
  const stop = STOPS[task.type];
  if (stop !== undefined && task.outcome === 'ok') effects.push({ edge: 'end', ...stop });
  const isCertain = STARTS[task.type];
  if (isCertain !== undefined) {
    effects.push({ edge: 'start', reason: stop?.reason ?? 'stop', isCertain, near: 'end' });
  }
  if (task.type === 'qmigrate') effects.push({ edge: 'move', reason: 'migrate', isCertain: true, near: 'end' });
  return effects;
}

/** Types that may have ended a run and begun another without saying so: what ran before them need not be what ran after. */
const MAY_RESTART: ReadonlySet<string> = new Set([
  'vzdump',
  'vzmigrate',
  'qmresume',
  'vzresume',
  'qmrollback',
  'vzrollback',
]);

/** True where the task may have ended one process of a guest and begun another, whatever the log says of it. */
export function mayRestart({ type }: Task): boolean {
  return MAY_RESTART.has(type);
}

/** The last instant before `task` at which another task of the guest may have begun its run; `otherwise` where that is later. */
export function mayHaveBegunBy(task: Task, tasks: readonly Task[], asOf: number, otherwise: number): number {
  return tasks
    .filter((one) => one !== task && mayRestart(one) && one.start.earliest <= task.start.earliest)
    .reduce((latest, one) => Math.max(latest, Math.min(spanOf(one, asOf).latest, task.start.latest)), otherwise);
}

const BIRTHS: ReadonlySet<string> = new Set([
  'qmcreate',
  'qmrestore',
  'qmdestroy',
  'vzcreate',
  'vzrestore',
  'vzdestroy',
]);

/** True where the guest came to be, was restored or went, none of which happens while it runs. */
export function isBirthOrDeath(task: Task): boolean {
  return BIRTHS.has(task.type);
}

/** The task from its first to its last possible instant; a running one reaches to `asOf`. */
export function spanOf(task: Task, asOf: number): Window {
  return { earliest: task.start.earliest, latest: Math.max(task.start.latest, task.end?.latest ?? asOf) };
}

/** How long the receiving node's poll is waited for before a migration counts as one out of our sight. */
const SETTLE_MS = 3 * 60_000;

/** When the migration counts as one out of our sight, if no node shows the guest until then; null for any other task. */
export function settledAt(task: Task): number | null {
  if (task.type !== 'qmigrate' || task.outcome !== 'ok') return null;
  return spanOf(task, task.start.latest).latest + SETTLE_MS;
}

/** The backup that a VM's shutdown belongs to, if any: stop mode shuts down as root and starts again without a task (proxmox-api.md, section 2.2). */
export function backupAround(task: Task, tasks: readonly Task[], asOf: number): Task | null {
  if (task.type !== 'qmshutdown' || task.user !== 'root@pam') return null;
  return (
    tasks.find((one) => one.type === 'vzdump' && one.nodeId === task.nodeId && meets(spanOf(one, asOf), task.start)) ??
    null
  );
}

/** True where a stop on the same node was the last that was done to the guest before it was moved: then nothing ran that could be moved. */
export function isOffline(move: Task, tasks: readonly Task[], asOf: number): boolean {
  const last = tasks.findLast(
    (task) =>
      task !== move && task.start.latest <= move.start.earliest && effectsOf(task).some(({ edge }) => edge !== 'move'),
  );
  if (last === undefined || last.nodeId !== move.nodeId || backupAround(last, tasks, asOf) !== null) return false;
  return effectsOf(last).every((effect) => effect.edge === 'end' && effect.isCertain);
}

/** The start at the target that shows a container's migration to have been one by restart (proxmox-api.md, trap 9). */
export function restartOf(task: Task, tasks: readonly Task[], asOf: number): Task | null {
  if (task.type !== 'vzmigrate') return null;
  const window = spanOf(task, asOf);
  return tasks.find((one) => one.type === 'vzstart' && one.nodeId !== task.nodeId && meets(one.start, window)) ?? null;
}

/** True where a task that is kept with its node may have touched this guest: a backup of several names none. */
export function concerns(task: Task, vmid: number): boolean {
  return task.vmid === null || task.vmid === vmid;
}

/** The type of guest that tasks of this type are about; vzdump is about either, and is kept with its node. */
export function guestTypeOf(taskType: string): GuestType {
  return taskType.startsWith('vz') ? 'lxc' : 'qemu';
}
