import type { GuestState } from './guest.js';
import { spanOf } from './task.js';
import { middle, widen, type Window } from './window.js';

/** How long facts are derived again: beyond it a late task is no news any more, and month's statements are long closed. */
export const HORIZON_MS = 40 * 24 * 3_600_000;
/** Around the instant at which facts are cut no task may be under way: its end is stamped up to ten seconds late. */
const CLEAR_MS = 60_000;

/**
 * The guest without what lies before the newest proof of stopped that is older than the horizon: what ended before it stays as it
 * is stored, and is derived no more. The same guest where there is no such proof, or nothing lies before it.
 */
export function frozen(guest: GuestState, asOf: number): GuestState {
  const k = cutIndex(guest, asOf - HORIZON_MS);
  const span = guest.spans[k];
  if (span === undefined) return guest;
  const at = cutAt(guest, k);
  const sessions = guest.sessions.filter(({ session }) => session.end === null || session.end.at > at);
  const tasks = guest.tasks.filter((task) => spanOf(task, Number.POSITIVE_INFINITY).latest >= at);
  if (k === 0 && sessions.length === guest.sessions.length && tasks.length === guest.tasks.length) return guest;
  const identities = identitiesAfter(guest, at);
  return { ...guest, spans: guest.spans.slice(k), tasks, sessions, identities, frozenAt: span.first.sentAt };
}

/** What is stored of the guest and still derived: the sessions that `frozen` has left it. */
export function unfrozenSessions(guest: GuestState, kept: GuestState): GuestState {
  if (guest.sessions === kept.sessions) return guest;
  const ids = new Set(kept.sessions.map((one) => one.id));
  return { ...guest, sessions: guest.sessions.filter((one) => ids.has(one.id)) };
}

/** The newest span of stopped that reaches back beyond the horizon, with no task around the instant of the cut. */
function cutIndex(guest: GuestState, horizon: number): number {
  return guest.spans.findLastIndex((span, k) => {
    if (span.state !== 'stopped') return false;
    const at = cutAt(guest, k);
    return at <= horizon && !guest.tasks.some((task) => isAround(spanOf(task, Number.POSITIVE_INFINITY), at));
  });
}

function isAround(window: Window, at: number): boolean {
  const clear = widen({ earliest: at, latest: at }, CLEAR_MS);
  return window.earliest <= clear.latest && clear.earliest <= window.latest;
}

/** The middle of the proof: as far as can be from what ended before and what begins after. */
function cutAt(guest: GuestState, k: number): number {
  const span = guest.spans[k];
  if (span === undefined) return Number.NEGATIVE_INFINITY;
  return middle({ earliest: span.first.receivedAt, latest: Math.max(span.first.receivedAt, span.last.sentAt) });
}

/** The last reading before the cut says who the guest was; older ones decide nothing any more. */
function identitiesAfter({ identities }: GuestState, at: number): GuestState['identities'] {
  const before = identities.filter((fact) => fact.window.latest <= at);
  const last = before.findLast((fact) => fact.kind === 'read');
  return identities.filter((fact) => fact.window.latest > at || fact === last);
}
