import type { GuestState } from './guest.js';
import type { NodeState } from './node-state.js';
import type { ClockOffset, Exchange } from './observation.js';
import type { PauseSpan } from './pause-span.js';
import type { Span, UptimeSample } from './span.js';
import { hull, middle, type Window } from './window.js';

/** What the manager's wall clock may run ahead or behind of its monotonic clock between two polls: NTP slews both alike. */
const ALLOWED_MS = 1000;

/**
 * By how much the manager's own clock was set since the last poll of this node; 0 where it was not (ledger rule 11). A manager
 * that slept finds the same difference between its clocks, but then the node's clock agrees with it as it did before.
 */
export function managerStepMs(aheadMs: number, node: NodeState, reading: ClockOffset | null): number {
  if (Math.abs(aheadMs) <= ALLOWED_MS || node.clock === null || reading === null) return 0;
  const moved = middle({ earliest: reading.earliestMs, latest: reading.latestMs }) - middle(node.clock.offset);
  return Math.abs(moved + aheadMs) < Math.abs(moved) ? aheadMs : 0;
}

/**
 * The node as the clock that was set sees it: which of both was right is not known, so what was proven by the old one holds
 * only from the earlier to the later of the two readings.
 */
export function steppedNode(node: NodeState, stepMs: number): NodeState {
  const seen = (at: Exchange | null): Exchange | null =>
    at === null
      ? null
      : { sentAt: at.sentAt - Math.abs(stepMs), receivedAt: Math.max(at.receivedAt, at.receivedAt + stepMs) };
  return {
    ...node,
    boots: node.boots.map((boot) => hull(boot, shifted(boot, stepMs))),
    lastSeen: { qemu: seen(node.lastSeen.qemu), lxc: seen(node.lastSeen.lxc) },
    statesSeen: node.statesSeen === null ? null : hull(node.statesSeen, shifted(node.statesSeen, stepMs)),
  };
}

/** The guest with the process that runs on told by the new clock: sameness is judged against its sample (ledger rule 5). */
export function steppedGuest(guest: GuestState, sample: UptimeSample | null, stepMs: number, now: number): GuestState {
  const spans = guest.spans.map((span, k) => {
    const isOpen = guest.isOpen && k === guest.spans.length - 1;
    return steppedSpan(span, isOpen, sample, stepMs, now);
  });
  return { ...guest, spans };
}

function steppedSpan(span: Span, isOpen: boolean, sample: UptimeSample | null, stepMs: number, now: number): Span {
  // Nothing was seen later than now, whatever the old clock said.
  const isFuture = span.last.receivedAt > now || span.first.receivedAt > now;
  if (!isOpen && !isFuture) return span;
  const kept = sample ?? span.sample;
  return {
    ...span,
    first: setBack(span.first, stepMs),
    last: setBack(span.last, stepMs),
    start: span.start === null ? null : capped(hull(span.start, shifted(span.start, stepMs)), now),
    sample: kept === null ? null : steppedSample(kept, stepMs),
    pauses: span.pauses.map((one) => steppedPause(one, (window) => capped(hull(window, shifted(window, stepMs)), now))),
  };
}

function steppedPause(pause: PauseSpan, stepped: (window: Window) => Window): PauseSpan {
  const { before, first, last, after } = pause;
  return {
    ...pause,
    before: before === null ? null : stepped(before),
    first: stepped(first),
    last: stepped(last),
    after: after === null ? null : stepped(after),
  };
}

/** A sample as the new clock would have stamped it. */
export function steppedSample(sample: UptimeSample, stepMs: number): UptimeSample {
  return { ...sample, sentAt: sample.sentAt + stepMs, receivedAt: sample.receivedAt + stepMs };
}

/** By a clock that was set back, what was seen was seen earlier; one set forward leaves it where it was proven. */
function setBack(at: Exchange, stepMs: number): Exchange {
  const byMs = Math.min(0, stepMs);
  return { sentAt: at.sentAt + byMs, receivedAt: at.receivedAt + byMs };
}

function shifted(window: Window, byMs: number): Window {
  return { earliest: window.earliest + byMs, latest: window.latest + byMs };
}

function capped(window: Window, now: number): Window {
  return { earliest: Math.min(window.earliest, now), latest: Math.min(window.latest, now) };
}
