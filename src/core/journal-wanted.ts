import { guestKey, type GuestState } from './guest.js';
import { isUnexplained } from './journal.js';
import { hull, type Window } from './window.js';

/** Ends that lie further back are not asked for any more. */
const RECENT_MS = 3_600_000;
/** The journal of a longer time may be too much for one answer. */
const MAX_WINDOW_MS = 12 * 3_600_000;
/** Ends that lie this close together are asked for in one call. */
const TOGETHER_MS = 15 * 60_000;
/** Sessions of a guest that are looked at, from the newest. */
const NEWEST = 8;

/** A part of a node's journal that is worth reading, on our clock, and the ends that it may explain. */
export interface WantedJournal {
  window: Window;
  keys: string[];
}

/**
 * The oldest end of the last hour on this node that no task explains and that was not asked for yet, with those close to it;
 * null where there is none. `asked` holds the keys of those that were.
 */
export function wantedJournal(
  guests: Iterable<GuestState>,
  nodeId: number,
  now: number,
  asked: ReadonlySet<string>,
): WantedJournal | null {
  const ends = [...guests]
    .flatMap((guest) => endsOf(guest, nodeId, now))
    .filter(({ key, window }) => !asked.has(key) && window.latest - window.earliest <= MAX_WINDOW_MS)
    .sort((a, b) => a.window.earliest - b.window.earliest);
  const [first] = ends;
  if (first === undefined) return null;
  let { window } = first;
  const keys: string[] = [];
  for (const end of ends) {
    const both = hull(window, end.window);
    const allowedMs = Math.max(TOGETHER_MS, window.latest - window.earliest);
    if (both.latest - both.earliest > allowedMs) continue;
    window = both;
    keys.push(end.key);
  }
  return { window, keys };
}

function endsOf(guest: GuestState, nodeId: number, now: number): { key: string; window: Window }[] {
  return guest.sessions.slice(-NEWEST).flatMap(({ session }) => {
    const { end } = session;
    if (end === null || end.evidence === 'journal' || !isUnexplained(session)) return [];
    if (end.latest < now - RECENT_MS || session.segments.at(-1)?.nodeId !== nodeId) return [];
    const window = { earliest: end.earliest ?? end.at, latest: end.latest };
    return [{ key: `${guestKey(guest.type, guest.vmid)} ${end.latest}`, window }];
  });
}
