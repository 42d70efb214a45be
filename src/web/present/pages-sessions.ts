import type { SessionView } from '../../ledger/queries/read-model.js';
import { edgeFigure, endKnown, startKnown, type EdgeFigure } from './pages-evidence.js';
import { agoText, durationFigure, zoneClock, type DurationFigure } from './pages-figures.js';
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
  };
}

/** `pve-02 → pve-01`; of many moves the first and the last node, and how many. */
export function nodesText(session: SessionView): string {
  const nodes = session.segments.map((segment) => segment.node).filter((node, k, all) => node !== all[k - 1]);
  if (nodes.length <= 1) return session.node;
  if (nodes.length <= 3) return nodes.join(' → ');
  return `${nodes[0] ?? ''} → … → ${nodes.at(-1) ?? ''} (${nodes.length - 1} moves)`;
}
