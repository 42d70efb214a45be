import type { PauseKind } from '../../core/pause-span.js';
import type { PauseView, SessionView } from '../../ledger/queries/read-model.js';
import { edgeFigure, endKnown, startKnown, type EdgeFigure } from './pages-evidence.js';
import { agoText, countOf, durationFigure, zoneClock, type DurationFigure } from './pages-figures.js';
import { guestHref, sessionGuestName, type StateFigure } from './pages-guests.js';

export interface SessionRow {
  /** Null on the guest's own page. */
  guest: { href: string; vmid: string; name: string } | null;
  start: EdgeFigure;
  end: EdgeFigure | null;
  /** Of an open session: running, or not seen. */
  state: StateFigure;
  /** Of an open session: how far it is proven. */
  openWords: string;
  nodes: string;
  duration: DurationFigure;
  /** Null where it had no pause. */
  paused: PausedFigure | null;
}

export interface PausedFigure {
  /** `paused 12 m 05 s`, `paused 40 s in 3 pauses`, `paused now, 2 m 00 s`. */
  text: string;
  /** For the title: the newest ones, each with its kind and its likeliest instants. */
  list: string;
}

/** A row of the session tables: both edges with their bounds and how each is known. */
export function sessionRow(
  session: SessionView,
  options: { zone: string; asOf: number; hasGuest: boolean; unseenAfterMs: number },
): SessionRow {
  const { zone, asOf } = options;
  const isUnseen = asOf - session.provenUntil > options.unseenAfterMs;
  return {
    guest: options.hasGuest
      ? {
          href: guestHref(session.guestId),
          vmid: String(session.vmid),
          name: sessionGuestName(session),
        }
      : null,
    start: edgeFigure(session.start, startKnown(session), zone, asOf),
    end: session.end === null ? null : edgeFigure(session.end, endKnown(session), zone, asOf),
    state: isUnseen ? { mark: 'not_seen', word: 'not seen' } : { mark: 'running', word: 'running' },
    openWords: isUnseen
      ? `proven until ${zoneClock(zone).instant(session.provenUntil, asOf).short}`
      : `proven ${agoText(asOf - session.provenUntil)} ago`,
    nodes: nodesText(session),
    duration: durationFigure(session.durationMs),
    paused: pausedFigure(session, zone, asOf),
  };
}

/** Pauses told one by one; a backup each night makes hundreds of them. */
const LISTED = 5;

const pauseWords: Record<PauseKind, string> = {
  paused: 'paused',
  'io-error': 'stopped by a storage error',
  suspended: 'asleep',
  'guest-panicked': 'crashed inside',
  'internal-error': 'stopped by an error of QEMU',
  watchdog: 'stopped by its watchdog',
};

function pausedFigure({ pauses, pausedMs }: SessionView, zone: string, asOf: number): PausedFigure | null {
  const last = pauses.at(-1);
  if (last === undefined) return null;
  const text = durationFigure(pausedMs).text;
  const clock = zoneClock(zone);
  const sentence = ({ kind, start, end }: PauseView): string => {
    const until = end === null ? 'until now' : `to ${clock.instant(end.at, asOf).short}`;
    return `${pauseWords[kind]} from ${clock.instant(start.at, asOf).short} ${until}`;
  };
  const several = pauses.length === 1 ? '' : ` in ${countOf(pauses.length, 'pause')}`;
  return {
    text: last.end === null ? `${pauseWords[last.kind]} now, ${text}${several}` : `paused ${text}${several}`,
    list: pauses.slice(-LISTED).toReversed().map(sentence).join('; '),
  };
}

/** `pve-02 → pve-01`; of many moves the first and the last node, and how many. */
export function nodesText(session: SessionView): string {
  const nodes = session.segments.map((segment) => segment.node).filter((node, k, all) => node !== all[k - 1]);
  if (nodes.length <= 1) return session.node;
  if (nodes.length <= 3) return nodes.join(' → ');
  return `${nodes[0] ?? ''} → … → ${nodes.at(-1) ?? ''} (${nodes.length - 1} moves)`;
}
