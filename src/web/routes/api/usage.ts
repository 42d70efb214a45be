import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { daysOf, startOfDayBefore } from '../../../core/calendar.js';
import type { Interval } from '../../../core/interval.js';
import { usageOf, usageOfDays } from '../../../core/usage.js';
import type { Queryable } from '../../../ledger/database.js';
import type { GuestView } from '../../../ledger/queries/read-model.js';
import { firstStartOf, usageFacts } from '../../../ledger/queries/usage.js';
import { requireScope } from '../../authenticate.js';
import { unprocessable } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { presentDaily, presentUsage } from '../../present/api-usage.js';
import { checkRange } from '../../range.js';
import { queryReader } from '../../validate.js';
import { chosenGuest } from './chosen-guest.js';

const usageQuery = queryReader({
  node: 'name',
  cluster: 'name',
  guest_id: 'id',
  start_date: 'instant',
  end_date: 'instant',
});

const DEFAULT_DAYS = 30;
const MAX_DAYS = 3_660;
const DAY_MS = 86_400_000;

/** GET /api/vms/{vm_id}/usage and /daily: how long a guest ran, how far that can be off, and how much of it was not seen. */
export function usageRoutes(router: Router, parts: WebParts): void {
  const { db, config, clock } = parts;
  const { timeZone } = config.billing;
  const asked = async (ctx: Context) => {
    const query = usageQuery(ctx, timeZone);
    checkRange(query);
    const { node, cluster, guest_id: guestId } = query;
    return { query, ...(await chosenGuest(db.reader, ctx, { node, cluster, guestId, asOf: clock.now() })) };
  };

  router.get('/api/vms/:vm_id/usage', requireScope('read'), async (ctx) => {
    const { query, guest, candidates } = await asked(ctx);
    const now = clock.now();
    const period = await wholeHistory(db.reader, guest, query, now);
    const usage = usageOf(await usageFacts(db.reader, guest, period, now), period, now);
    ctx.body = { ...presentUsage(guest, usage, period), ...candidates };
  });

  router.get('/api/vms/:vm_id/daily', requireScope('read'), async (ctx) => {
    const { query, guest, candidates } = await asked(ctx);
    const now = clock.now();
    const period = lastDays(query, now, timeZone);
    const facts = await usageFacts(db.reader, guest, period, now);
    ctx.body = { ...presentDaily(guest, usageOfDays(facts, daysOf(period, timeZone), now), period), ...candidates };
  });
}

interface Given {
  start_date?: number;
  end_date?: number;
}

/** From the first that is known of the guest until now, where the query does not say. */
async function wholeHistory(db: Queryable, guest: GuestView, given: Given, now: number): Promise<Interval> {
  const { start_date: start, end_date: end } = given;
  const first = Math.min(guest.firstSeenAt, (await firstStartOf(db, guest.id)) ?? guest.firstSeenAt);
  const from = start ?? Math.min(first, end ?? first);
  return { from, to: end ?? Math.max(now, from) };
}

/** The last thirty days of the time zone, today with them, where the query does not say. Throws 422 for too many. */
function lastDays({ start_date: start, end_date: end }: Given, now: number, timeZone: string): Interval {
  const to = end ?? Math.max(now, start ?? now);
  const from = start ?? startOfDayBefore(to - 1, DEFAULT_DAYS - 1, timeZone);
  if (to - from > MAX_DAYS * DAY_MS) {
    throw unprocessable([{ path: '/start_date', message: `must lie at most ${MAX_DAYS} days before end_date` }]);
  }
  return { from, to };
}
