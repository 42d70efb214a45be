import type { Span } from './span.js';
import { effectsOf, spanOf, type Task } from './task.js';
import { meets, type Window } from './window.js';

/**
 * The spans as runs of the guest, where a backup blurs them (ledger rule 16): without the process that a backup makes for a
 * stopped guest and takes away again, and with a process cut in two where the guest that had powered off in it was started.
 */
export function withoutBackups(spans: readonly Span[], tasks: readonly Task[], asOf: number): readonly Span[] {
  const dumps = tasks.filter((task) => task.type === 'vzdump');
  if (dumps.length === 0) return spans;
  const resets = tasks.flatMap((task) => {
    if (task.type !== 'qmstart' || task.outcome !== 'ok') return [];
    const dump = dumps.find((one) => one.nodeId === task.nodeId && meets(spanOf(one, asOf), task.start));
    return dump === undefined ? [] : [{ task, dump }];
  });
  return spans
    .filter((span, k) => !dumps.some((dump) => isBackups(span, spans[k - 1], dump, tasks, asOf)))
    .flatMap((span) => cutAtReset(span, resets, asOf));
}

/** Born and gone within the backup of a guest that was stopped when it began, and no task started it; its lock may have been removed meanwhile. */
function isBackups(span: Span, left: Span | undefined, dump: Task, tasks: readonly Task[], asOf: number): boolean {
  if (span.state !== 'running' || span.start === null || left?.state !== 'stopped') return false;
  if (dump.nodeId !== span.nodeId || left.nodeId !== span.nodeId) return false;
  const isAround =
    left.first.sentAt < dump.start.earliest &&
    dump.start.earliest <= span.start.earliest &&
    span.last.sentAt <= spanOf(dump, asOf).latest;
  const window = { earliest: left.last.sentAt, latest: span.last.sentAt };
  return isAround && !tasks.some((task) => isStart(task) && meets(spanOf(task, asOf), window));
}

function isStart(task: Task): boolean {
  return task.type !== 'vzdump' && effectsOf(task).some(({ edge }) => edge === 'start');
}

/** A start succeeds on a running process only within a backup, where it resets the guest that had powered off (proxmox-api.md, trap 32). */
function cutAtReset(span: Span, resets: readonly { task: Task; dump: Task }[], asOf: number): Span[] {
  const { start } = span;
  if (span.state !== 'running' || start === null) return [span];
  const reset = resets.find(
    ({ task }) =>
      task.nodeId === span.nodeId &&
      start.latest < task.start.earliest &&
      span.first.sentAt < task.start.earliest &&
      spanOf(task, asOf).latest < span.last.sentAt,
  );
  if (reset === undefined) return [span];
  // Before the backup nothing would have kept its process: until then it ran.
  const provenAt = Math.max(span.first.sentAt, Math.min(reset.dump.start.earliest, reset.task.start.earliest));
  const last = { sentAt: provenAt, receivedAt: Math.max(provenAt, span.first.receivedAt) };
  return [
    { ...span, last },
    { ...span, first: span.last, isBarred: true },
  ];
}

/** The task that made a process the guest's which is older than the run: a start inside a backup resumed the backup's own (ledger rule 16). */
export function resumeOf(span: Span, tasks: readonly Task[], asOf: number): Task | null {
  const { start } = span;
  if (start === null) return null;
  // A process that came from another cluster was made before the guest was switched to it.
  const tunnel = tasks.findLast(
    (task) => task.type === 'qmtunnel' && task.nodeId === span.nodeId && meets(start, spanOf(task, asOf)),
  );
  if (tunnel !== undefined) return tunnel;
  const dumps = tasks.filter((task) => task.type === 'vzdump' && task.nodeId === span.nodeId);
  const around = dumps.filter((dump) => meets(start, spanOf(dump, asOf)));
  return (
    // Of several the last: what it found was a guest that had powered off since the one before.
    tasks.findLast(
      (task) =>
        task.type === 'qmstart' &&
        task.outcome === 'ok' &&
        task.nodeId === span.nodeId &&
        // Where it cannot be told which is older, the task's window holds the run's start either way.
        task.start.latest > start.earliest &&
        task.start.earliest <= span.first.receivedAt &&
        around.some((dump) => meets(task.start, spanOf(dump, asOf))),
    ) ?? null
  );
}

/** When the first of the backups around began: any of them may have stopped the guest (ledger rule 10). */
export function firstDumpAt(tasks: readonly Task[], dump: Task, window: Window, asOf: number): number {
  return tasks
    .filter((one) => one.type === 'vzdump' && one.nodeId === dump.nodeId && meets(spanOf(one, asOf), window))
    .reduce((first, one) => Math.min(first, one.start.earliest), dump.start.earliest);
}

/** A migration that failed may have stopped the container and begun it again, as the backup may have (proxmox-api.md, section 2). */
export function hasTriedToMove(
  { tasks, asOf }: { tasks: readonly Task[]; asOf: number },
  { provenAt }: { provenAt: number },
  latest: number,
): boolean {
  const window = { earliest: provenAt, latest: Math.max(latest, provenAt) };
  return tasks.some((one) => one.type === 'vzmigrate' && one.outcome !== 'ok' && meets(spanOf(one, asOf), window));
}
