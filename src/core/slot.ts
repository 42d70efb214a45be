import { resumeOf } from './backup-process.js';
import type { Span } from './span.js';
import { effectsOf, isOffline, spanOf, type Task, type TaskEffect } from './task.js';
import { meets, middle, type Window } from './window.js';

/** Something that a task, or a node's boot, did in one slot. */
export type SlotEvent =
  | { kind: 'effect'; task: Task; effect: TaskEffect; window: Window; targetId: number | null }
  | { kind: 'boot'; nodeId: number; window: Window };

/** The time between two neighbouring spans, before the first, or after the last: wide or narrow, it is all one (ledger.md, "The method"). */
export interface Slot {
  left: Span | null;
  right: Span | null;
  window: Window;
  /** The task that the right-hand process was started by, where one was found. */
  startTask: Task | null;
  /** True where that task resumed a backup's process: its uptime then tells nothing of the run (ledger rule 16). */
  isResumed: boolean;
  /** The live migration that the right-hand process came by. */
  bornBy: Task | null;
  events: SlotEvent[];
}

export interface Boot {
  nodeId: number;
  at: Window;
}

/** How late the end of a task may be stamped (proxmox-api.md, section 1.2). */
const NOTICED_MS = 10_000;
const FAR = 8_640_000_000_000_000;

/** Lays the guest's tasks (in order of their starts) and its nodes' boots into the slots between its spans (ledger rule 7, "Which task explains what"). */
export function slotsOf(
  spans: readonly Span[],
  ordered: readonly Task[],
  boots: readonly Boot[],
  asOf: number,
): Slot[] {
  const slots = emptySlots(splitStopped(spans, ordered, asOf));
  const moves = ordered.filter((task) => task.type === 'qmigrate' && !isOffline(task, ordered, asOf));
  const starts = ordered.filter((task) => !isIncoming(task, moves, asOf));
  markBorn(slots, moves, ordered, asOf);
  const placedStarts = placeObservedStarts(slots, starts, asOf);
  // Where the last start that no process shows was placed: what ended after it lies no earlier.
  let begunIn = 0;
  for (const task of ordered) {
    for (const effect of effectsOf(task)) {
      if (effect.edge === 'start' && (placedStarts.has(task.upid) || isIncoming(task, moves, asOf))) continue;
      // What a start still running has done is known only once its process is seen.
      if (effect.edge === 'start' && task.outcome === 'running') continue;
      if (effect.edge === 'move' && !moves.includes(task)) continue;
      if (effect.edge === 'end' && isCleanup(task, moves, asOf)) continue;
      const window = spanOf(task, asOf);
      const slot = slotFor(slots, task, effect, window, begunIn);
      if (slot !== null && effect.edge === 'start' && effect.isCertain) begunIn = slots.indexOf(slot);
      const targetId = effect.edge === 'move' ? targetOf(task, slot, ordered, asOf) : null;
      slot?.events.push({ kind: 'effect', task, effect, window, targetId });
    }
  }
  for (const boot of boots) bootSlot(slots, boot)?.events.push({ kind: 'boot', nodeId: boot.nodeId, window: boot.at });
  for (const { events } of slots) if (events.length > 1) events.sort(byStart);
  return slots;
}

function byStart(a: SlotEvent, b: SlotEvent): number {
  const order = a.window.earliest - b.window.earliest;
  if (order !== 0) return order;
  return rank(a) - rank(b);
}

function rank(event: SlotEvent): number {
  if (event.kind === 'boot') return 0;
  return event.effect.edge === 'end' ? 1 : event.effect.edge === 'move' ? 2 : 3;
}

/** A start, or a stop, that no slot meets lies between two samples of one stopped span: the span is cut there, for what lies between is not proven. */
function splitStopped(spans: readonly Span[], tasks: readonly Task[], asOf: number): readonly Span[] {
  const changes = tasks.filter((task) => effectsOf(task).some((effect) => effect.edge === 'start' || effect.isCertain));
  if (changes.length === 0) return spans;
  return spans.flatMap((span) => {
    const covers = (task: Task): boolean =>
      task.outcome === 'ok' &&
      task.start.earliest > span.first.sentAt &&
      spanOf(task, asOf).latest < span.last.receivedAt;
    if (span.state !== 'stopped' || !changes.some(covers)) return [span];
    return [
      { ...span, last: span.first },
      { ...span, first: span.last },
    ];
  });
}

function emptySlots(spans: readonly Span[]): Slot[] {
  const slots: Slot[] = [];
  for (let k = 0; k <= spans.length; k += 1) {
    const left = spans[k - 1] ?? null;
    const right = spans[k] ?? null;
    const window = { earliest: left?.last.sentAt ?? -FAR, latest: right?.first.receivedAt ?? FAR };
    slots.push({ left, right, window, startTask: null, isResumed: false, bornBy: null, events: [] });
  }
  return slots;
}

/** A start logged on another node inside a migration is the receiving process's, no start of the guest (ledger rule 14). */
function isIncoming(task: Task, moves: readonly Task[], asOf: number): boolean {
  if (task.type !== 'qmstart') return false;
  return moves.some(
    (move) =>
      move.nodeId !== task.nodeId &&
      move.start.earliest <= task.start.latest &&
      hasBegunWithin(task, move) &&
      // The receiving process is up before the migration is done; ends are noticed up to 10 s late.
      (task.end?.earliest ?? 0) <= spanOf(move, asOf).latest + NOTICED_MS,
  );
}

/** By their likeliest instants: the stamps are of two nodes, and of a boot that we did not see they are wide. */
function hasBegunWithin(task: Task, move: Task): boolean {
  return move.end === null || middle(task.start) <= middle(move.end);
}

/** A stop on another node inside a migration that failed takes only the receiving process away: the guest runs on at its source (rule 14). */
function isCleanup(task: Task, moves: readonly Task[], asOf: number): boolean {
  if (task.type !== 'qmstop') return false;
  return moves.some(
    (move) => move.outcome === 'failed' && move.nodeId !== task.nodeId && meets(task.start, spanOf(move, asOf)),
  );
}

/** Where a migration led: to the process that came by it, else to the node of the earliest start inside it (ledger rule 14). */
function targetOf(move: Task, slot: Slot | null, tasks: readonly Task[], asOf: number): number | null {
  if (slot?.bornBy === move) return slot.right?.nodeId ?? null;
  return tasks.find((task) => task.type === 'qmstart' && isIncoming(task, [move], asOf))?.nodeId ?? null;
}

function markBorn(slots: Slot[], moves: readonly Task[], tasks: readonly Task[], asOf: number): void {
  if (moves.length === 0) return;
  for (const slot of slots) {
    const span = slot.right;
    if (span?.state !== 'running' || span.start === null || span.isBarred) continue;
    const start = span.start;
    slot.bornBy =
      moves.findLast(
        (move) =>
          (move.outcome === 'ok' || move.outcome === 'running') &&
          move.nodeId !== span.nodeId &&
          meets(start, spanOf(move, asOf)) &&
          !hasOwnStart(span, move, tasks, asOf),
      ) ?? null;
  }
}

/** A start on the process's own node after the migration had begun to end explains it better: it was moved while stopped. */
function hasOwnStart(span: Span, move: Task, tasks: readonly Task[], asOf: number): boolean {
  return tasks.some(
    (task) =>
      task.type === 'qmstart' &&
      task.nodeId === span.nodeId &&
      !hasBegunWithin(task, move) &&
      span.start !== null &&
      meets(span.start, spanOf(task, asOf)),
  );
}

/** Gives each observed process its start task; what is placed so is no event of its slot, for nothing can follow it there. */
function placeObservedStarts(slots: Slot[], tasks: readonly Task[], asOf: number): Set<string> {
  const placed = new Set<string>();
  if (tasks.length === 0) return placed;
  for (const slot of slots) {
    const span = slot.right;
    if (span?.state !== 'running' || slot.bornBy !== null) continue;
    const resumedBy = resumeOf(span, tasks, asOf);
    // The uptime of a process that was there before the run tells nothing of the run's start (rule 16).
    const window = (span.isBarred ? null : span.start) ?? slot.window;
    const candidates = tasks.filter(
      (task) =>
        task.nodeId === span.nodeId &&
        !placed.has(task.upid) &&
        effectsOf(task).some((effect) => effect.edge === 'start') &&
        meets(window, spanOf(task, asOf)) &&
        meets(slot.window, spanOf(task, asOf)),
    );
    // Enclosing tasks explain a start only where no plain one does; without an uptime nothing says that they did.
    const plain = candidates.findLast(isCertainStart);
    slot.startTask = resumedBy ?? plain ?? (span.start === null ? null : enclosing(candidates, slot));
    slot.isResumed = resumedBy !== null;
    if (slot.startTask !== null && slot.startTask.type !== 'vzdump') placed.add(slot.startTask.upid);
  }
  return placed;
}

/** The last of the tasks that may have started the process: a backup starts again only what it found running. */
function enclosing(candidates: readonly Task[], slot: Slot): Task | null {
  const others = slot.left?.state === 'stopped' ? candidates.filter(({ type }) => type !== 'vzdump') : [];
  return (others.length > 0 ? others : candidates).at(-1) ?? null;
}

function isCertainStart(task: Task): boolean {
  return effectsOf(task).some((effect) => effect.edge === 'start' && effect.isCertain);
}

function slotFor(slots: Slot[], task: Task, effect: TaskEffect, window: Window, begunIn: number): Slot | null {
  // Whether a backup restarted the guest is told by its process, or by the shutdown inside it.
  if (task.type === 'vzdump') return null;
  const possible = slots.filter((slot) => meets(slot.window, window) && !hasBegunBefore(slot, window));
  if (effect.edge === 'move') {
    return slots.find((slot) => slot.bornBy === task) ?? possible.at(-1) ?? null;
  }
  if (effect.edge === 'start') return possible.at(-1) ?? null;
  // What a task ended was before what it began.
  const began = slots.findIndex((slot) => slot.startTask === task);
  const before = began < 0 ? possible : possible.filter((slot) => slots.indexOf(slot) <= began);
  const observed = before.filter((slot) => isObservedEnd(slot, task));
  return nearest(observed, window.latest) ?? before.find((slot) => slots.indexOf(slot) >= begunIn) ?? before[0] ?? null;
}

/** A slot whose right-hand process already ran when the task began cannot hold what the task did. */
function hasBegunBefore(slot: Slot, window: Window): boolean {
  const span = slot.right;
  if (span?.state !== 'running' || slot.bornBy !== null) return false;
  const start = span.isBarred || slot.isResumed ? null : span.start;
  return (start?.latest ?? span.first.receivedAt) < window.earliest;
}

function isObservedEnd(slot: Slot, task: Task): boolean {
  return slot.left?.state === 'running' && slot.left.nodeId === task.nodeId && slot.bornBy === null;
}

/** The slot nearest the task's end; of equals the first. */
function nearest(slots: readonly Slot[], at: number): Slot | null {
  let best: Slot | null = null;
  let bestMs = Number.POSITIVE_INFINITY;
  for (const slot of slots) {
    const distanceMs = Math.max(0, slot.window.earliest - at, at - slot.window.latest);
    if (distanceMs < bestMs) {
      best = slot;
      bestMs = distanceMs;
    }
  }
  return best;
}

function bootSlot(slots: Slot[], boot: Boot): Slot | null {
  return slots.find((slot) => meets(slot.window, boot.at) && !hasBegunBefore(slot, boot.at)) ?? null;
}
