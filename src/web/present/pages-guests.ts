import type { GuestView, SessionView } from '../../ledger/queries/read-model.js';
import type { Usage } from '../../ledger/queries/pages-usage.js';
import {
  boundText,
  bytesText,
  countOf,
  durationFigure,
  zoneClock,
  type DurationFigure,
  type InstantFigure,
} from './pages-figures.js';

export interface StateFigure {
  /** The mark's shape and colour, by its class. */
  mark: string;
  word: string;
}

export interface GuestRow {
  href: string;
  vmid: string;
  name: string;
  state: StateFigure;
  node: string;
  nodeHref: string;
  since: InstantFigure | null;
  today: DurationFigure;
  month: DurationFigure;
  monthBound: string;
}

export interface GuestUsage {
  today: ReadonlyMap<number, Usage>;
  month: ReadonlyMap<number, Usage>;
}

/** The word and mark of a guest's state; one that is gone is neither running nor stopped. */
export function guestState(guest: GuestView): StateFigure {
  if (guest.destroyedAt !== null) return { mark: 'gone', word: 'deleted' };
  if (guest.state === 'not_seen') return { mark: 'not_seen', word: 'not seen' };
  return { mark: guest.state, word: guest.state };
}

/** A guest's name; `qemu 104 (gone)` for one that only tasks told of (ledger rule 20). */
export function guestName(guest: Pick<GuestView, 'name' | 'type' | 'vmid' | 'isPresent'>): string {
  return guest.name ?? `${guest.type} ${guest.vmid}${guest.isPresent ? '' : ' (gone)'}`;
}

/** The name of a session's guest. */
export function sessionGuestName(session: SessionView): string {
  const { guestName: name, type, vmid, isGuestPresent: isPresent } = session;
  return guestName({ name, type, vmid, isPresent });
}

export function guestHref(guestId: number): string {
  return `/guests/${guestId}`;
}

/** The page that a node's name leads to: its guests. */
export function nodeHref(node: string): string {
  return `/guests?node=${encodeURIComponent(node)}`;
}

/** A row of the guest tables. */
export function guestRow(guest: GuestView, usage: GuestUsage, zone: string, asOf: number): GuestRow {
  const month = usage.month.get(guest.id);
  return {
    href: guestHref(guest.id),
    vmid: String(guest.vmid),
    name: guestName(guest),
    state: guestState(guest),
    node: guest.node,
    nodeHref: nodeHref(guest.node),
    since: guest.runningSince === null ? null : zoneClock(zone).instant(guest.runningSince, asOf),
    today: durationFigure(usage.today.get(guest.id)?.runningMs ?? 0, { seconds: false }),
    month: durationFigure(month?.runningMs ?? 0),
    monthBound: month === undefined ? '' : boundText(month.errorMs),
  };
}

/** What a guest is, as chips: kind, cores, memory, tags, pool. */
export function guestChips(guest: GuestView): string[] {
  return [
    guest.type === 'qemu' ? 'VM' : 'container',
    ...(guest.cores === null ? [] : [guest.type === 'qemu' ? `${guest.cores} vCPU` : countOf(guest.cores, 'core')]),
    ...(guest.memoryBytes === null ? [] : [bytesText(guest.memoryBytes)]),
    ...(guest.isTemplate ? ['template'] : []),
    ...guest.tags,
    ...(guest.pool === null ? [] : [`pool ${guest.pool}`]),
  ];
}
