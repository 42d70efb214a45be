import { ApiError, Page, allowParameters, type AnswerContext } from './answer.js';
import { hasPrivilege } from './permissions.js';
import type { Machine } from './machine.js';
import { statusKind } from './task.js';
import { TaskLog, type SimulatedTask } from './task-log.js';

const taskParameters = [
  'start',
  'limit',
  'userfilter',
  'typefilter',
  'vmid',
  'errors',
  'source',
  'since',
  'until',
  'statusfilter',
];

/** Whether a task passes the filters; `status` null: it runs. */
type Filter = (task: SimulatedTask, status: string | null) => boolean;

/** GET /nodes/{node}/tasks (proxmox-api.md 1.1): active rows first, then by archiving, newest first. */
export function taskPage(context: AnswerContext, machine: Machine): Page {
  const { at, query } = context;
  allowParameters(query, taskParameters);
  const start = wholeNumber(query, 'start') ?? 0;
  const limit = wholeNumber(query, 'limit') ?? 50;
  const source = query['source'] ?? 'archive';
  if (!['archive', 'active', 'all'].includes(source)) {
    throw new ApiError(400, 'Parameter verification failed.', {
      source: `value '${source}' does not have a value in the enumeration`,
    });
  }
  const log = machine.taskLogs.at(at) ?? new TaskLog();
  const active = source === 'archive' ? [] : log.activeAt(at);
  const readable = source === 'active' ? { first: 0, last: -1 } : log.readableAt(at);
  const filter = filterOf(context, machine);
  if (filter === null) return unfiltered(log, active, readable, start, limit);
  const rows: unknown[] = [];
  let total = 0;
  const offer = (task: SimulatedTask, isRunning: boolean): void => {
    if (!filter(task, isRunning ? null : task.status)) return;
    total += 1;
    if (total > start && rows.length < limit) rows.push(isRunning ? task.runningRow : task.finishedRow);
  };
  for (const task of active) offer(task, true);
  for (let index = readable.last; index >= readable.first; index -= 1)
    offer(log.archivedTask(index) as SimulatedTask, false);
  return new Page(rows, total);
}

function unfiltered(
  log: TaskLog,
  active: readonly SimulatedTask[],
  readable: { first: number; last: number },
  start: number,
  limit: number,
): Page {
  const rows: unknown[] = active.slice(start, start + limit).map((task) => task.runningRow);
  let index = readable.last - Math.max(0, start - active.length);
  for (; rows.length < limit && index >= readable.first; index -= 1) rows.push(log.archivedTask(index)?.finishedRow);
  return new Page(rows, active.length + readable.last - readable.first + 1);
}

/** Null when every task passes: the whole log need not be walked then. */
function filterOf(context: AnswerContext, machine: Machine): Filter | null {
  const { query, caller } = context;
  const filters: Filter[] = [];
  if (!hasPrivilege(caller, `/nodes/${machine.name}`, 'Sys.Audit')) filters.push((task) => isOwn(context, task));
  const { userfilter, typefilter, vmid } = query;
  if (userfilter !== undefined) filters.push((task) => task.user.toLowerCase().includes(userfilter.toLowerCase()));
  if (typefilter !== undefined) filters.push((task) => task.type === typefilter);
  if (vmid !== undefined) filters.push((task) => task.id === vmid);
  const since = wholeNumber(query, 'since');
  const until = wholeNumber(query, 'until');
  // Both compare the start, never the end (trap 22).
  if (since !== null) filters.push((task) => task.startTimeS >= since);
  if (until !== null) filters.push((task) => task.startTimeS <= until);
  if (query['errors'] === '1') filters.push((_task, status) => statusKind(status) !== 'ok');
  else if (query['statusfilter'] !== undefined) {
    const kinds = query['statusfilter'].split(/[,;\s]+/);
    filters.push((_task, status) => kinds.includes(statusKind(status)));
  }
  return filters.length === 0 ? null : (task, status) => filters.every((passes) => passes(task, status));
}

function isOwn(context: AnswerContext, task: SimulatedTask): boolean {
  const { user, tokenName } = context.caller.token;
  return task.user === user && task.tokenName === tokenName;
}

/** GET /cluster/tasks: of each node the running and the newest finished, 25 at most, as last broadcast. */
export function clusterTasks(context: AnswerContext): unknown[] {
  allowParameters(context.query, []);
  // Without Sys.Audit on / a token sees nothing: its name is split off before the comparison (1.6).
  if (!hasPrivilege(context.caller, '/', 'Sys.Audit')) return [];
  const rows: unknown[] = [];
  for (const machine of context.engine.machines.values()) {
    if (machine.cluster !== context.entry.cluster) continue;
    const at = machine.lastUpAt(context.at);
    const log = machine.taskLogs.at(at);
    if (log === undefined) continue;
    const active = log.activeAt(at);
    for (const task of active) rows.push(broadcastRow(task.runningRow, true));
    const { first, last } = log.readableAt(at);
    for (let index = last; index >= first && last - index < 25 - active.length; index -= 1) {
      rows.push(broadcastRow(log.archivedTask(index)?.finishedRow ?? {}, false));
    }
  }
  return rows;
}

function broadcastRow(row: Record<string, unknown>, isRunning: boolean): Record<string, unknown> {
  const { pid, pstart: _pstart, status, saved: _saved, ...rest } = row;
  return isRunning ? { ...rest, pid } : { ...rest, status, saved: '1' };
}

/** GET .../tasks/{upid}/status: no end time (1.1). */
export function taskStatus(context: AnswerContext, machine: Machine, upid: string): Record<string, unknown> {
  const task = findTask(context, machine, upid);
  const { upid: id, node, pid, pstart, starttime, type, user } = task.finishedRow;
  const row = { upid: id, node, pid, pstart, starttime, type, id: task.id, user };
  const isDone = task.doneAt !== null && task.doneAt <= context.at;
  return isDone ? { ...row, status: 'stopped', exitstatus: task.status } : { ...row, status: 'running' };
}

/** GET .../tasks/{upid}/log: lines without stamps. */
export function taskLines(context: AnswerContext, machine: Machine, upid: string): Page {
  allowParameters(context.query, ['start', 'limit', 'download']);
  const task = findTask(context, machine, upid);
  const isDone = task.doneAt !== null && task.doneAt <= context.at;
  const last = task.status === 'OK' ? 'TASK OK' : `TASK ERROR: ${task.status ?? ''}`;
  const lines = isDone ? [...task.lines, last] : task.lines;
  const rows = (lines.length === 0 ? ['no content'] : lines).map((text, index) => ({ n: index + 1, t: text }));
  return new Page(rows, rows.length);
}

function findTask(context: AnswerContext, machine: Machine, upid: string): SimulatedTask {
  const task = machine.taskLogs.at(context.at)?.find(decodeURIComponent(upid), context.at);
  if (task === undefined)
    throw new ApiError(400, 'Parameter verification failed.', { upid: 'unable to parse worker upid' });
  if (!isOwn(context, task) && !hasPrivilege(context.caller, `/nodes/${machine.name}`, 'Sys.Audit')) {
    throw new ApiError(403, `Permission check failed (/nodes/${machine.name}, Sys.Audit)`);
  }
  return task;
}

/** A parameter as a whole number; null when it is not given; a 400 when it is none. */
export function wholeNumber(query: Readonly<Record<string, string>>, name: string): number | null {
  const text = query[name];
  if (text === undefined) return null;
  if (/^\d+$/.test(text)) return Number(text);
  throw new ApiError(400, 'Parameter verification failed.', { [name]: "type check ('integer') failed" });
}
