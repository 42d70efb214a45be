import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { sessionById } from '../../../ledger/queries/sessions.js';
import { requireScope } from '../../authenticate.js';
import { notFound, unprocessable, WebError } from '../../errors.js';
import { orConflict, speakerOf } from '../../management.js';
import type { WebParts } from '../../parts.js';
import { presentSession } from '../../present/api-session.js';
import { queryReader } from '../../validate.js';

const startQuery = queryReader({ vm_id: 'vmId', node: 'name', user: 'name' });

/** Where a start that names no node is put. */
const DEFAULT_NODE = 'pve';

/** POST /api/sessions/manual/start and /stop/{id}: a person's word that a guest runs, or runs no more (ledger rule 25). */
export function manualRoutes(router: Router, { db, clock, config, management }: WebParts): void {
  const answer = async (ctx: Context, id: number, message: string): Promise<void> => {
    const session = await sessionById(db.reader, id, clock.now());
    if (session === null) throw new WebError(409, `Session ${id} is gone: another call changed it at the same time.`);
    ctx.body = { message, session: presentSession(session) };
  };

  router.post('/api/sessions/manual/start', requireScope('admin'), async (ctx) => {
    const { vm_id: vmid, node = DEFAULT_NODE, user = null } = startQuery(ctx, config.billing.timeZone);
    if (vmid === undefined) throw unprocessable([{ path: '/vm_id', message: 'is missing' }]);
    if (vmid < 0) throw unprocessable([{ path: '/vm_id', message: 'must be a VMID, a whole number from 1' }]);
    const wish = { vmid, node, user, speaker: speakerOf(ctx) };
    const { sessionId, isNew } = await orConflict(management.start(wish));
    await answer(ctx, sessionId, isNew ? 'Session started' : 'Session already running');
  });

  router.post('/api/sessions/manual/stop/:id', requireScope('admin'), async (ctx) => {
    const id = ctx.params['id'] ?? '';
    const session = /^\d{1,15}$/.test(id) ? await sessionById(db.reader, Number(id)) : null;
    if (session === null) throw notFound(`There is no session ${id.slice(0, 64)}.`);
    if (session.end !== null) throw new WebError(409, `Session ${id} has ended already.`);
    const wish = { sessionId: session.id, clusterId: session.clusterId, speaker: speakerOf(ctx) };
    await orConflict(management.stop(wish));
    await answer(ctx, session.id, 'Session stopped');
  });
}
