import type { Context } from 'koa';
import type { Queryable } from '../../../ledger/database.js';
import { guestById } from '../../../ledger/queries/guests.js';
import { gapsOfNodes, sessionsOfGuests } from '../../../ledger/queries/pages-changes.js';
import { unseenWithin } from '../../../ledger/queries/pages-unseen.js';
import { usageByGuest, type Usage } from '../../../ledger/queries/pages-usage.js';
import type { GuestView, SessionView } from '../../../ledger/queries/read-model.js';
import { listSessions } from '../../../ledger/queries/sessions.js';
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
  const guest = /^[1-9]\d{0,14}$/.test(id) ? await guestById(db, Number(id)) : null;
  if (guest === null) throw notFound('There is no such guest. The guests page lists all of them.');
  const list = await listSessions(db, { guestId: guest.id, page: numberOf(ctx, 'page') ?? 1, perPage: PER_PAGE });
  const name = guestName(guest);
  await showPage(
    ctx,
    parts,
    'guest',
    { title: `${name} ${guest.vmid}`, section: 'guests', asOf, isRefreshing: true },
    {
      name,
      vmid: String(guest.vmid),
      cluster: guest.cluster,
      node: guest.node,
      nodeHref: nodeHref(guest.node),
      chips: guestChips(guest),
      state: guestState(guest),
      stateNote: stateNote(guest, await lastSession(db, guest), zone, asOf),
      zone,
      week: await weekOf(db, guest, zone, asOf),
      months: monthsModel(await monthsOf(db, guest, zone, asOf), zone, asOf),
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
): Promise<{ from: number; usage: Usage; unseenMs: number }[]> {
  const months = [];
  for (const shift of [0, -1, -2]) {
    const range = monthOf(asOf, zone, shift);
    if (shift < 0 && range.to <= guest.firstSeenAt && range.to <= (await firstStart(db, guest))) continue;
    const usage = (await usageByGuest(db, range, [guest.id])).get(guest.id);
    const { unseenMs } = await unseenWithin(db, range, asOf, guest.id);
    months.push({ from: range.from, usage: usage ?? { runningMs: 0, errorMs: 0, sessionCount: 0 }, unseenMs });
  }
  return months;
}

/** Backfill knows of sessions before the guest was first seen. */
async function firstStart(db: Queryable, guest: GuestView): Promise<number> {
  const row = (await db('sessions').where('guest_id', guest.id).min('start_at as at').first()) as
    { at: number | string | null } | undefined;
  return row?.at === null || row === undefined ? guest.firstSeenAt : Number(row.at);
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
