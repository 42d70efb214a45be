import type { ClockOffset } from './observation.js';
import { intersect, widen, type Window } from './window.js';

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

/**
 * A whole-second stamp of the node's clock on ours: stamps are floored, so the instant lies in [stamp, stamp + 1 s) of the node.
 * The offset drifts with the stamp's age, which widens the window.
 */
export function stampWindow(stampS: number, clock: NodeClock): Window {
  const onNode = { earliest: stampS * 1000, latest: stampS * 1000 + 999 };
  const ageMs = Math.max(0, clock.asOf - (onNode.earliest - clock.offset.latest));
  // Disciplined clocks do not drift for ever: half a second covers a node that NTP holds, at any age.
  const driftMs = Math.ceil(Math.min(ageMs * CLOCK_RATE_ERROR, 500));
  return {
    earliest: onNode.earliest - clock.offset.latest - driftMs,
    latest: onNode.latest - clock.offset.earliest + driftMs,
  };
}
