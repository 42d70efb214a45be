import { guestKey, type GuestState } from './guest.js';
import type { GuestType } from './observation.js';
import { wideEnd } from './rrd-ends.js';

/** Ends that lie further back are not asked for any more. */
const RECENT_MS = 3_600_000;
/** Sessions of a guest that are looked at, from the newest. */
const NEWEST = 8;

export type RrdTimeframe = 'hour' | 'day' | 'week';

/** How far back a timeframe is sure to reach in every version, the finest first (proxmox-api.md, section 10). */
const TIMEFRAMES: readonly { timeframe: RrdTimeframe; reachMs: number }[] = [
  { timeframe: 'hour', reachMs: 58 * 60_000 },
  { timeframe: 'day', reachMs: 23 * 3_600_000 },
  { timeframe: 'week', reachMs: 6 * 86_400_000 },
];

/** The rrd data of a guest that is worth reading, and the key of the question. */
export interface WantedRrd {
  type: GuestType;
  vmid: number;
  timeframe: RrdTimeframe;
  key: string;
}

/**
 * The next question for rrd data on this node: of the wide, unexplained ends of the last hour the oldest, in the finest
 * timeframe that reaches it and was not asked; a coarser one only where the finer does not reach the whole of it. Null where
 * there is none. `asked` holds the keys of those that were.
 */
export function wantedRrd(
  guests: Iterable<GuestState>,
  nodeId: number,
  now: number,
  asked: ReadonlySet<string>,
): WantedRrd | null {
  let oldest: { wanted: WantedRrd; at: number } | null = null;
  for (const guest of guests) {
    for (const { key, earliest, latest } of endsOf(guest, nodeId, now)) {
      const timeframe = timeframeOf(earliest, latest, now, (one) => asked.has(`${key} ${one}`));
      if (timeframe === null || (oldest !== null && oldest.at <= latest)) continue;
      const { type, vmid } = guest;
      oldest = { wanted: { type, vmid, timeframe, key: `${key} ${timeframe}` }, at: latest };
    }
  }
  return oldest?.wanted ?? null;
}

function endsOf(guest: GuestState, nodeId: number, now: number): { key: string; earliest: number; latest: number }[] {
  const sessions = guest.sessions.slice(-NEWEST).map(({ session }) => session);
  return sessions.flatMap((session, k) => {
    const window = wideEnd(sessions, k)?.window ?? null;
    if (window === null || window.latest < now - RECENT_MS || session.segments.at(-1)?.nodeId !== nodeId) return [];
    // Its end moves with each answer; its start stays, to the minute.
    const key = `${guestKey(guest.type, guest.vmid)} ${Math.round(session.start.at / 60_000)}`;
    return [{ key, ...window }];
  });
}

function timeframeOf(
  earliest: number,
  latest: number,
  now: number,
  isAsked: (timeframe: RrdTimeframe) => boolean,
): RrdTimeframe | null {
  for (const { timeframe, reachMs } of TIMEFRAMES) {
    const reachesTo = now - reachMs;
    if (reachesTo < latest && !isAsked(timeframe)) return timeframe;
    if (reachesTo <= earliest) return null;
  }
  return null;
}
