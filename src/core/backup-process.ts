import type { Span } from './span.js';
import { effectsOf, spanOf, type Task } from './task.js';
import { meets } from './window.js';

/**
 * The spans as runs of the guest, where a backup blurs them (ledger rule 16): without the process that a backup makes for a
 * stopped guest and takes away again, and with a process cut in two where the guest that had powered off in it was started.
 */
export function withoutBackups(spans: readonly Span[], tasks: readonly Task[], asOf: number): Span[] {
  const dumps = tasks.filter((task) => task.type === 'vzdump');
  if (dumps.length === 0) return [...spans];
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
