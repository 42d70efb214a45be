import type { Context } from 'koa';
import type { Queryable } from '../../../ledger/database.js';
import { listGuests } from '../../../ledger/queries/guests.js';
import { listNodes } from '../../../ledger/queries/nodes.js';
import { overview } from '../../../ledger/queries/overview.js';
import {
  changedGuestIds,
  gapsOfNodes,
  recentChanges,
  sessionsOfGuests,
} from '../../../ledger/queries/pages-changes.js';
import { guestsByIds, openSessionsByNode, startsSince } from '../../../ledger/queries/pages-counts.js';
import { usageByGuest } from '../../../ledger/queries/pages-usage.js';
import type { GuestView } from '../../../ledger/queries/read-model.js';
import { hourTicks, timelineRow, type Timeline } from '../../charts/timeline.js';
import type { WebParts } from '../../parts.js';
import { dayOf, monthOf } from '../../present/pages-calendar.js';
import { changeRows } from '../../present/pages-changes.js';
import { countOf, zoneClock } from '../../present/pages-figures.js';
import { guestHref, guestName, guestRow } from '../../present/pages-guests.js';
import { statCards } from '../../present/pages-overview.js';
import type { PageModel } from '../../render.js';
import { firstStepsOf } from './first-steps.js';
import { showPage } from './frame.js';
import type { MonthFigures } from './month-figures.js';

const DAY_MS = 86_400_000;
const TIMELINE_COUNT = 16;
const TABLE_COUNT = 10;
const CHANGE_COUNT = 7;

/** GET /: what runs, what changed, is anything not seen. */
export async function overviewPage(ctx: Context, parts: WebParts, figures: MonthFigures): Promise<void> {
  const asOf = parts.clock.now();
  const db = parts.db.reader;
  const zone = parts.config.billing.timeZone;
  const nodes = await listNodes(db);
  const counts = await overview(db, asOf);
  const month = monthOf(asOf, zone);
  const today = dayOf(asOf, zone);
  const guests = await shownGuests(db, asOf);
  const ids = guests.map((guest) => guest.id);
  const usage = { today: await usageByGuest(db, today, ids, asOf), month: await usageByGuest(db, month, ids, asOf) };
  const clock = zoneClock(zone);
  const model: PageModel = {
    headline: `${clock.headline(asOf)} · ${zone}`,
    firstSteps: firstStepsOf(parts, nodes.length),
    stats: statCards({
      counts,
      nodes,
      month: clock.monthName(month.from, asOf),
      ...(await figures.totals(asOf)),
      startedToday: await startsSince(db, today.from),
      asOf,
    }),
    timeline: guests.length === 0 ? null : await timelineOf(db, guests, zone, asOf),
    changes: changeRows(await recentChanges(db, { from: asOf - DAY_MS, to: asOf + 1 }, CHANGE_COUNT), {
      zone,
      asOf,
      limit: CHANGE_COUNT,
      runningByNode: await openSessionsByNode(db),
    }),
    guests: guests.slice(0, TABLE_COUNT).map((guest) => guestRow(guest, usage, zone, asOf)),
    allGuests: `all ${countOf(counts.guestCount, 'guest')}`,
    month: clock.monthName(month.from, asOf),
  };
  await showPage(ctx, parts, 'overview', { title: 'Overview', section: 'overview', asOf, isRefreshing: true }, model);
}

/** Guests with changes first, newest change first; then those that run. */
async function shownGuests(db: Queryable, asOf: number): Promise<GuestView[]> {
  const changed = await changedGuestIds(db, { from: asOf - DAY_MS, to: asOf + 1 }, TIMELINE_COUNT);
  const guests = await guestsByIds(db, changed);
  if (guests.length >= TIMELINE_COUNT) return guests;
  const others = await listGuests(db, {
    page: 1,
    perPage: 2 * TIMELINE_COUNT,
    asOf,
    sort: { by: 'state', isDescending: false },
  });
  return [...guests, ...others.items.filter((guest) => !changed.includes(guest.id))].slice(0, TIMELINE_COUNT);
}

async function timelineOf(db: Queryable, guests: readonly GuestView[], zone: string, asOf: number): Promise<Timeline> {
  const range = { from: asOf - DAY_MS, to: asOf };
  const ids = guests.map((guest) => guest.id);
  const sessions = await sessionsOfGuests(db, ids, range);
  const nodes = new Set(sessions.flatMap((session) => session.segments.map((part) => part.node)));
  for (const guest of guests) nodes.add(guest.node);
  const gaps = await gapsOfNodes(db, nodes, range);
  const rows = guests.map((guest) =>
    timelineRow(
      {
        ...range,
        label: guestName(guest),
        href: guestHref(guest.id),
        node: guest.node,
        sessions: sessions.filter((session) => session.guestId === guest.id),
        gaps,
      },
      zone,
      asOf,
    ),
  );
  return { ticks: hourTicks(range.from, range.to, zone, 4), rows };
}
