import type { Router } from '@koa/router';
import { listGuests } from '../../../ledger/queries/guests.js';
import { requireScope } from '../../authenticate.js';
import type { WebParts } from '../../parts.js';
import { presentGuest } from '../../present/api-guest.js';
import { queryReader } from '../../validate.js';
import { chosenGuest } from './chosen-guest.js';

const listQuery = queryReader({ node: 'name', cluster: 'name', guest_id: 'id', all: 'flag' });
const choiceQuery = queryReader({ node: 'name', cluster: 'name', guest_id: 'id' });

/** GET /api/vms and /api/vms/{vm_id} (wire-contract.md, "Which guest, which node"). */
export function vmRoutes(router: Router, { db, config, clock }: WebParts): void {
  router.get('/api/vms', requireScope('read'), async (ctx) => {
    const { node, cluster, guest_id: guestId, all } = listQuery(ctx, config.billing.timeZone);
    const asOf = clock.now();
    const { items, total } = await listGuests(db.reader, { node, cluster, guestId, includeGone: all, asOf });
    ctx.body = { vms: items.map(presentGuest), total };
  });

  router.get('/api/vms/:vm_id', requireScope('read'), async (ctx) => {
    const { node, cluster, guest_id: guestId } = choiceQuery(ctx, config.billing.timeZone);
    const asOf = clock.now();
    const { guest, candidates } = await chosenGuest(db.reader, ctx, { node, cluster, guestId, asOf });
    ctx.body = { ...presentGuest(guest), ...candidates };
  });
}
