import type { ClockOffset, Exchange } from '../core/observation.js';

/**
 * Bounds of (node's clock minus ours) from one reading: the node's clock stood within the second that begins at `readAt` at
 * some instant between sent and received (proxmox-api.md, section 7). The upper bound is one that is not reached.
 */
export function offsetOf(readAt: number, exchange: Exchange): ClockOffset {
  return { earliestMs: readAt - exchange.receivedAt, latestMs: readAt + 1000 - exchange.sentAt };
}

/** What several readings of one poll allow together; their hull where they exclude each other (a clock was set meanwhile). */
export function joinOffsets(readings: readonly ClockOffset[]): ClockOffset | null {
  const [first, ...rest] = readings;
  if (first === undefined) return null;
  let both = first;
  let outer = first;
  for (const { earliestMs, latestMs } of rest) {
    both = { earliestMs: Math.max(both.earliestMs, earliestMs), latestMs: Math.min(both.latestMs, latestMs) };
    outer = { earliestMs: Math.min(outer.earliestMs, earliestMs), latestMs: Math.max(outer.latestMs, latestMs) };
  }
  return both.earliestMs <= both.latestMs ? both : outer;
}
