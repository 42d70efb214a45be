import { CLOCK_RATE_ERROR, isHeld, stampWindow, strangeStamp, unwatchedMs, type NodeClock } from './node-clock.js';
import type { TaskRow } from './observation.js';
import { hull, intersect, meets, widen, type Window } from './window.js';

/** The stamp is taken just before the worker is forked, its ticks just after. */
const FORK_MS = 200;
/** The log's ticks and the boot agree to less than this in one boot, however the wall clock was set; boots lie further apart. */
const SAME_BOOT_MS = 30_000;
/** A stamp of an end and one of a start are floored: their difference is the length to a second either way. */
const FLOOR_MS = 1_000;

/** What a row of the log says of when: stamps of whole seconds, and ticks since the boot. */
export type TaskStamps = Pick<TaskRow, 'startTimeS' | 'endTimeS' | 'pstart'>;

/**
 * When a task of the log began and ended, on our clock (ledger rule 11). `boot` is the node's boot as its uptime tells now; a
 * UPID's pstart counts from it and knows of no step, so it goes before the stamp wherever both are of one boot. Without it, or
 * for an earlier boot, the stamps alone speak.
 */
export function taskInstants(
  row: TaskStamps,
  boot: NodeClock | null,
  clock: NodeClock,
  earlier: NodeClock | null,
): { start: Window; end: Window | null } {
  const stamp = stampWindow(row.startTimeS, clock, earlier);
  const ticks = boot === null ? null : startByTicks(row, boot, clock, earlier);
  const isOfThisBoot = ticks !== null && meets(widen(stamp, SAME_BOOT_MS), ticks);
  if (!isOfThisBoot) {
    const isStrange = boot !== null && earlier === null;
    const settled = (window: Window): Window => (isStrange ? strangeStamp(window) : window);
    const start = settled(stamp);
    if (row.endTimeS === null) return { start, end: null };
    return { start, end: notBefore(start, settled(stampWindow(row.endTimeS, clock, earlier)), row) };
  }
  // A first reading of the log cannot tell a step below a second, so the stamp narrows nothing there.
  const start = earlier === null ? ticks : (intersect(stamp, ticks) ?? ticks);
  if (row.endTimeS === null) return { start, end: null };
  const end = stampWindow(row.endTimeS, clock, earlier);
  const byLength = endByLength(start, row);
  // Where the clock was set between start and now, or may have been, the end may be of before or after.
  const isSettled = meets(stamp, ticks) && (earlier !== null || isHeld(clock));
  return { start, end: notBefore(start, isSettled ? end : hull(end, byLength), row) };
}

function startByTicks(row: TaskStamps, boot: NodeClock, clock: NodeClock, earlier: NodeClock | null): Window {
  const at = row.pstart * 10;
  const ageMs = Math.abs(boot.asOf - (boot.offset.latest + at));
  const driftMs = earlier === null ? unwatchedMs(ageMs, clock) : Math.ceil(ageMs * CLOCK_RATE_ERROR);
  return { earliest: boot.offset.earliest + at - FORK_MS - driftMs, latest: boot.offset.latest + at + 10 + driftMs };
}

function endByLength(start: Window, row: TaskStamps): Window {
  const lengthMs = Math.max(0, ((row.endTimeS ?? row.startTimeS) - row.startTimeS) * 1000);
  return { earliest: start.earliest + Math.max(0, lengthMs - FLOOR_MS), latest: start.latest + lengthMs + FLOOR_MS };
}

/** No task ends before it began; a stamp of an end that seems to says that the clock was set back between. */
function notBefore(start: Window, end: Window, row: TaskStamps): Window {
  return end.latest >= start.earliest ? end : endByLength(start, row);
}
