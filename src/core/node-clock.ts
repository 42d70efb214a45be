import type { ClockOffset } from './observation.js';
import { hull, intersect, widen, type Window } from './window.js';

/**
 * Clocks of computers run off by up to 100 ppm against each other (ledger rules 7 and 11). A length is known by the clock that may
 * be slow, and ours then ran for a ten-thousandth of a ten-thousandth more: a tenth of a second over four months.
 */
export const CLOCK_RATE_ERROR = 100e-6 / (1 - 100e-6);

/** A node's clock against ours: node = manager + offset, the offset within the window, as of `asOf`. */
export interface NodeClock {
  offset: Window;
  asOf: number;
  /** Readings that were intersected since the last step, the first of them as of `since`. */
  readingCount: number;
  since: number;
  /** The offset before the last step, while tasks that began before it may still be read. */
  before: Window | null;
}

/**
 * The clock after one more reading: intersected with what was known, widened by the drift since (ledger rule 11).
 * Readings that exclude each other mean a step: the new reading alone then holds, and the old one is kept beside it.
 */
export function readClock(known: NodeClock | null, reading: ClockOffset, asOf: number): NodeClock {
  const window = { earliest: reading.earliestMs, latest: reading.latestMs };
  if (known === null) return { offset: window, asOf, readingCount: 1, since: asOf, before: null };
  const driftMs = Math.ceil(Math.max(0, asOf - known.asOf) * CLOCK_RATE_ERROR);
  const both = intersect(widen(known.offset, driftMs), window);
  if (both === null) return { offset: window, asOf, readingCount: 1, since: asOf, before: known.offset };
  return { ...known, offset: both, asOf, readingCount: known.readingCount + 1 };
}

/** True when the last reading contradicted what was known: the node's clock was set. */
export function hasStepped(known: NodeClock | null, next: NodeClock): boolean {
  return known !== null && next.readingCount === 1 && next.before !== null;
}

/** A clock that NTP holds stays within this of the true time, at any age; one that is further off now is held by nothing. */
const HELD_MS = 500;
/** How far a clock may have been set since a boot that we did not see: that it is right now may be what it was set for. */
const SET_MS = 5_000;

/** True where the node's clock is known to agree with ours to half a second: NTP holds it. A first, wide reading says neither. */
export function isHeld(clock: NodeClock): boolean {
  return Math.max(-clock.offset.earliest, clock.offset.latest) <= HELD_MS;
}

/** How far a clock may have run off within `ageMs` before we first read it: 100 ppm, and half a second at any age where it is held. */
export function unwatchedMs(ageMs: number, clock: NodeClock): number {
  const driftMs = Math.ceil(Math.max(0, ageMs) * CLOCK_RATE_ERROR);
  return isHeld(clock) ? Math.min(driftMs, HELD_MS) : driftMs;
}

/**
 * A whole-second stamp of the node's clock on ours: stamps are floored, so the instant lies in [stamp, stamp + 1 s) of the
 * node. The offset is known at this poll and, with `earlier`, at the one before: between them the clock ran off from either by
 * no more than 100 ppm, unless it was set, and then the stamp may be of before or after (ledger rule 11).
 */
export function stampWindow(stampS: number, clock: NodeClock, earlier: NodeClock | null): Window {
  const now = onOurs(stampS, clock.offset);
  const ageMs = Math.max(0, clock.asOf - now.earliest);
  if (earlier === null) return widen(now, unwatchedMs(ageMs, clock));
  const later = widen(now, Math.ceil(ageMs * CLOCK_RATE_ERROR));
  const before = onOurs(stampS, earlier.offset);
  const sinceMs = Math.max(0, before.latest - earlier.asOf);
  const sooner = widen(before, Math.ceil(sinceMs * CLOCK_RATE_ERROR));
  return intersect(later, sooner) ?? hull(later, sooner);
}

/** The window of a stamp of an earlier boot, whose clock may have been set since. */
export function strangeStamp(window: Window): Window {
  return widen(window, SET_MS);
}

function onOurs(stampS: number, offset: Window): Window {
  return { earliest: stampS * 1000 - offset.latest, latest: stampS * 1000 + 999 - offset.earliest };
}
