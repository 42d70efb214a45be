import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { listSessions, runningSessions, sessionById } from '../../../ledger/queries/sessions.js';
import { requireScope } from '../../authenticate.js';
import { notFound, unprocessable, WebError } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { presentSync } from '../../present/api-poll.js';
import { presentSession, presentSessions } from '../../present/api-session.js';
import { checkRange } from '../../range.js';
import { queryReader, vmidOf } from '../../validate.js';

const listQuery = queryReader({
  vm_id: 'vmId',
  guest_id: 'id',
  node: 'name',
  cluster: 'name',
  running_only: 'flag',
  start_date: 'instant',
  end_date: 'instant',
  page: 'page',
  per_page: 'perPage',
});
const runningQuery = queryReader({ node: 'name', cluster: 'name' });

/** The reads of sessions, and the poll of everything. */
export function sessionRoutes(router: Router, parts: WebParts): void {
  const { db, config, clock, pollNow } = parts;
  router.get('/api/sessions', requireScope('read'), async (ctx) => {
    const { vm_id: vmid } = listQuery(ctx, config.billing.timeZone);
    ctx.body = await sessionPage(ctx, parts, vmid);
  });

  router.get('/api/sessions/running', requireScope('read'), async (ctx) => {
    const filter = runningQuery(ctx, config.billing.timeZone);
    const sessions = await runningSessions(db.reader, { ...filter, asOf: clock.now() });
    ctx.body = { running_count: sessions.length, sessions: sessions.map(presentSession) };
  });

  router.get('/api/sessions/vm/:vm_id', requireScope('read'), async (ctx) => {
    const vmId = ctx.params['vm_id'] ?? '';
    if (vmId.length > 64) throw unprocessable([{ path: '/vm_id', message: 'must be at most 64 characters' }]);
    ctx.body = await sessionPage(ctx, parts, vmidOf(vmId));
  });

  // Otherwise the route below would take `sync` for an id.
  router.get('/api/sessions/sync', () => {
    throw new WebError(405, 'This call takes POST.', { headers: { Allow: 'POST' } });
  });

  router.get('/api/sessions/:id', requireScope('read'), async (ctx) => {
    const id = ctx.params['id'] ?? '';
    const session = /^\d{1,15}$/.test(id) ? await sessionById(db.reader, Number(id), clock.now()) : null;
    if (session === null) throw notFound(`There is no session ${id.slice(0, 64)}.`);
    ctx.body = presentSession(session);
  });

  router.post('/api/sessions/sync', requireScope('admin'), async (ctx) => {
    ctx.body = presentSync(await pollNow({ nodes: null }));
  });
}

async function sessionPage(ctx: Context, { db, config, clock }: WebParts, vmid: number | undefined) {
  const query = listQuery(ctx, config.billing.timeZone);
  checkRange(query);
  const page = await listSessions(db.reader, {
    vmid,
    guestId: query.guest_id,
    node: query.node,
    cluster: query.cluster,
    isRunning: query.running_only === true ? true : undefined,
    from: query.start_date,
    to: query.end_date,
    page: query.page ?? 1,
    perPage: query.per_page ?? 50,
    asOf: clock.now(),
  });
  return presentSessions(page);
}
