import type { Router } from '@koa/router';
import { guestsByVmid, listGuests } from '../../../ledger/queries/guests.js';
import { requireScope } from '../../authenticate.js';
import { notFound, unprocessable } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { presentCandidate, presentGuest } from '../../present/api-guest.js';
import { queryReader, vmidOf } from '../../validate.js';

const listQuery = queryReader({ node: 'name', cluster: 'name', guest_id: 'id', all: 'flag' });
const choiceQuery = queryReader({ node: 'name', cluster: 'name', guest_id: 'id' });

/** GET /api/vms and /api/vms/{vm_id} (wire-contract.md, "Which guest, which node"). */
export function vmRoutes(router: Router, { db, config }: WebParts): void {
  router.get('/api/vms', requireScope('read'), async (ctx) => {
    const { node, cluster, guest_id: guestId, all } = listQuery(ctx, config.billing.timeZone);
    const { items, total } = await listGuests(db.reader, { node, cluster, guestId, includeGone: all });
    ctx.body = { vms: items.map(presentGuest), total };
  });

  router.get('/api/vms/:vm_id', requireScope('read'), async (ctx) => {
    const vmId = ctx.params['vm_id'] ?? '';
    if (vmId.length > 64) throw unprocessable([{ path: '/vm_id', message: 'must be at most 64 characters' }]);
    const { node, cluster, guest_id: guestId } = choiceQuery(ctx, config.billing.timeZone);
    const bearers = await guestsByVmid(db.reader, vmidOf(vmId), { node, cluster, guestId });
    const [guest] = bearers;
    if (guest === undefined) throw notFound(`No guest${placeOf(node, cluster)} has the VMID ${vmId}.`);
    ctx.body = {
      ...presentGuest(guest),
      ...(bearers.length > 1 ? { candidates: bearers.map(presentCandidate) } : {}),
    };
  });
}

function placeOf(node: string | undefined, cluster: string | undefined): string {
  return (node === undefined ? '' : ` on node ${node}`) + (cluster === undefined ? '' : ` in cluster ${cluster}`);
}
