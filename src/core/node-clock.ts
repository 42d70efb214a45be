import type { ClockOffset } from './observation.js';
import { hull, intersect, widen, type Window } from './window.js';

/** Clocks of computers run off by up to 100 ppm against each other (ledger rules 7 and 11). */
export const CLOCK_RATE_ERROR = 100e-6;

/** A node's clock against ours: node = manager + offset, the offset within the window, as of `asOf`. */
export interface NodeClock {
  offset: Window;
  asOf: number;
  /** Readings that were intersected since the last step. */
  readingCount: number;
  /** The offset before the last step, while tasks that began before it may still be read. */
  before: Window | null;
}

/**
 * The clock after one more reading: intersected with what was known, widened by the drift since (ledger rule 11).
 * Readings that exclude each other mean a step: the new reading alone then holds, and the old one is kept beside it.
 */
export function readClock(known: NodeClock | null, reading: ClockOffset, asOf: number): NodeClock {
  const window = { earliest: reading.earliestMs, latest: reading.latestMs };
  if (known === null) return { offset: window, asOf, readingCount: 1, before: null };
  const driftMs = Math.ceil(Math.max(0, asOf - known.asOf) * CLOCK_RATE_ERROR);
  const both = intersect(widen(known.offset, driftMs), window);
  if (both === null) return { offset: window, asOf, readingCount: 1, before: known.offset };
  return { offset: both, asOf, readingCount: known.readingCount + 1, before: known.before };
}

/** True when the last reading contradicted what was known: the node's clock was set. */
export function hasStepped(known: NodeClock | null, next: NodeClock): boolean {
  return known !== null && next.readingCount === 1 && next.before !== null;
}

/** A clock that NTP holds is never further off than this, at any age: for logs read back where no earlier reading says more. */
const UNWATCHED_MS = 500;

/**
 * A whole-second stamp of the node's clock on ours: stamps are floored, so the instant lies in [stamp, stamp + 1 s) of the
 * node. The offset is known at this poll and, with `earlier`, at the one before: between them the clock ran off from either by
 * no more than 100 ppm, unless it was set, and then the stamp may be of before or after (ledger rule 11).
 */
export function stampWindow(stampS: number, clock: NodeClock, earlier: NodeClock | null): Window {
  const now = onOurs(stampS, clock.offset);
  const ageMs = Math.max(0, clock.asOf - now.earliest);
  if (earlier === null) return widen(now, Math.ceil(Math.min(ageMs * CLOCK_RATE_ERROR, UNWATCHED_MS)));
  const later = widen(now, Math.ceil(ageMs * CLOCK_RATE_ERROR));
  const before = onOurs(stampS, earlier.offset);
  const sinceMs = Math.max(0, before.latest - earlier.asOf);
  const sooner = widen(before, Math.ceil(sinceMs * CLOCK_RATE_ERROR));
  return intersect(later, sooner) ?? hull(later, sooner);
}

function onOurs(stampS: number, offset: Window): Window {
  return { earliest: stampS * 1000 - offset.latest, latest: stampS * 1000 + 999 - offset.earliest };
}
