import type { Context } from 'koa';
import { usageOf, type Usage } from '../../../core/usage.js';
import type { Queryable } from '../../../ledger/database.js';
import { guestById } from '../../../ledger/queries/guests.js';
import { gapsOfNodes, sessionsOfGuests } from '../../../ledger/queries/pages-changes.js';
import type { GuestView, SessionView } from '../../../ledger/queries/read-model.js';
import { listSessions } from '../../../ledger/queries/sessions.js';
import { firstStartOf, usageFacts } from '../../../ledger/queries/usage.js';
import { dayTicks, timelineRow, type Timeline } from '../../charts/timeline.js';
import { notFound } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { dayOf, monthOf } from '../../present/pages-calendar.js';
import { monthsModel, stateNote } from '../../present/pages-guest.js';
import { zoneClock, type InstantFigure } from '../../present/pages-figures.js';
import { guestChips, guestName, guestState, nodeHref } from '../../present/pages-guests.js';
import { sessionRow } from '../../present/pages-sessions.js';
import { showPage, unseenAfterMs } from './frame.js';
import { numberOf, PER_PAGE, pagerOf } from './page-query.js';

/** GET /guests/{id}: how long it ran, when, and how each edge is known. */
export async function guestPage(ctx: Context, parts: WebParts, id: string): Promise<void> {
  const asOf = parts.clock.now();
  const db = parts.db.reader;
  const zone = parts.config.billing.timeZone;
  const guest = /^[1-9]\d{0,14}$/.test(id) ? await guestById(db, Number(id), asOf) : null;
  if (guest === null) throw notFound('There is no such guest. The guests page lists all of them.');
  const list = await listSessions(db, { guestId: guest.id, page: numberOf(ctx, 'page') ?? 1, perPage: PER_PAGE, asOf });
  const name = guestName(guest);
  // What stands for a name holds the VMID.
  const vmid = guest.name === null ? '' : String(guest.vmid);
  await showPage(
    ctx,
    parts,
    'guest',
    { title: [name, vmid].join(' ').trim(), section: 'guests', asOf, isRefreshing: true },
    {
      name,
      vmid,
      cluster: guest.cluster,
      node: guest.node,
      nodeHref: nodeHref(guest.node),
      chips: guestChips(guest),
      state: guestState(guest),
      stateNote: stateNote(guest, await lastSession(db, guest), zone, asOf),
      zone,
      week: await weekOf(db, guest, zone, asOf),
      months: monthsModel(await monthsOf(db, guest, zone, asOf), zone, asOf, unseenAfterMs(parts)),
      facts: factsOf(guest, zone, asOf),
      sessions: list.items.map((session) =>
        sessionRow(session, { zone, asOf, hasGuest: false, unseenAfterMs: unseenAfterMs(parts) }),
      ),
      pager: pagerOf(ctx, list),
    },
  );
}

async function lastSession(db: Queryable, guest: GuestView): Promise<SessionView | null> {
  return (await listSessions(db, { guestId: guest.id, page: 1, perPage: 1 })).items[0] ?? null;
}

async function monthsOf(
  db: Queryable,
  guest: GuestView,
  zone: string,
  asOf: number,
): Promise<{ from: number; usage: Usage }[]> {
  const months = [0, -1, -2].map((shift) => monthOf(asOf, zone, shift));
  const facts = await usageFacts(db, guest, { from: Math.min(...months.map(({ from }) => from)), to: asOf + 1 }, asOf);
  // Backfill knows of sessions before the guest was first seen.
  const knownSince = Math.min(guest.firstSeenAt, (await firstStartOf(db, guest.id)) ?? guest.firstSeenAt);
  return months
    .filter((month, k) => k === 0 || month.to > knownSince)
    .map((month) => ({ from: month.from, usage: usageOf(facts, month, asOf) }));
}

async function weekOf(db: Queryable, guest: GuestView, zone: string, asOf: number): Promise<Timeline> {
  const days = [0, -1, -2, -3, -4, -5, -6].map((shift) => dayOf(asOf, zone, shift));
  const range = { from: Math.min(...days.map((day) => day.from)), to: asOf };
  const sessions = await sessionsOfGuests(db, [guest.id], range);
  const nodes = new Set([guest.node, ...sessions.flatMap((session) => session.segments.map((part) => part.node))]);
  const gaps = await gapsOfNodes(db, nodes, range);
  const clock = zoneClock(zone);
  const rows = days.map((day) =>
    timelineRow({ ...day, label: clock.dayName(day.from), href: '', node: guest.node, sessions, gaps }, zone, asOf),
  );
  return { ticks: dayTicks(), rows };
}

interface Fact {
  label: string;
  at: InstantFigure | null;
  text: string;
}

function factsOf(guest: GuestView, zone: string, asOf: number): Fact[] {
  const clock = zoneClock(zone);
  const at = (label: string, instant: number): Fact => ({ label, at: clock.instant(instant, asOf), text: '' });
  return [
    at('First seen', guest.firstSeenAt),
    at('Last seen', guest.lastSeenAt),
    ...(guest.destroyedAt === null ? [] : [at('Deleted', guest.destroyedAt)]),
  ];
}
