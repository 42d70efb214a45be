import { READING_AGE_MS } from './agent-report.js';
import type { Window } from './window.js';

const AHEAD_MS = 24 * 3_600_000;
const BEHIND_MS = 400 * 24 * 3_600_000;

/** When a report says that something was, and when it came in, all in epoch ms. */
export interface Stamped {
  /** By the agent's clock; null where it sent none. */
  stampAt: number | null;
  /** The agent's clock when it sent this; null where it did not say. */
  sentAt: number | null;
  /** By the manager's clock. */
  arrivedAt: number;
  /** Agent's clock minus manager's, as its heartbeats and snapshots tell; null where none did yet. */
  offsetMs: number | null;
}

export type Judged =
  | { kind: 'taken'; window: Window }
  /** The clock that stamped it is wrong beyond use; the window is what its arrival alone tells. */
  | { kind: 'absurd'; window: Window; sentence: string };

/**
 * The report's stamp on the manager's clock (ledger rule 22): corrected by `sent_at`, else by the agent's known offset; ahead
 * of its arrival it is clamped to it with wider bounds. More than 24 h ahead or 400 days back is absurd.
 */
export function judgeStamp({ stampAt, sentAt, arrivedAt, offsetMs }: Stamped): Judged {
  const arrival = { earliest: arrivedAt - READING_AGE_MS, latest: arrivedAt };
  if (stampAt === null) return { kind: 'taken', window: arrival };
  const aheadMs = sentAt === null ? (offsetMs ?? 0) : sentAt - arrivedAt;
  const at = stampAt - aheadMs;
  if (at > arrivedAt + AHEAD_MS) return absurd(at, arrivedAt, 'ahead of');
  if (at < arrivedAt - BEHIND_MS) return absurd(at, arrivedAt, 'behind');
  if (at > arrivedAt) {
    // The clock is off by an unknown amount: it may have been as much behind when it read.
    return { kind: 'taken', window: { earliest: arrivedAt - (at - arrivedAt) - READING_AGE_MS, latest: arrivedAt } };
  }
  return { kind: 'taken', window: { earliest: at - READING_AGE_MS, latest: at } };
}

function absurd(at: number, arrivedAt: number, side: 'ahead of' | 'behind'): Judged {
  const hours = Math.round(Math.abs(at - arrivedAt) / 3_600_000);
  return {
    kind: 'absurd',
    window: { earliest: arrivedAt - AHEAD_MS, latest: arrivedAt },
    sentence: `the agent's clock is ${hours} h ${side} the manager's: set the time on its node, or run an NTP client there`,
  };
}

/**
 * The agent's offset (its clock minus the manager's) after one more heartbeat or snapshot: deliveries are late and never early, so
 * the largest of recent readings is the nearest; a reading more than a minute below it says that the clock was set.
 */
export function offsetAfter(knownMs: number | null, stampAt: number, arrivedAt: number): number {
  const readingMs = stampAt - arrivedAt;
  if (knownMs === null || readingMs > knownMs || knownMs - readingMs > 60_000) return readingMs;
  return knownMs;
}
