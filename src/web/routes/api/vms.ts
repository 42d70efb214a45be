import type { Router } from '@koa/router';
import { listGuests } from '../../../ledger/queries/guests.js';
import { requireScope } from '../../authenticate.js';
import { unprocessable, type WebError } from '../../errors.js';
import { orConflict, speakerOf } from '../../management.js';
import type { WebParts } from '../../parts.js';
import { presentGuest } from '../../present/api-guest.js';
import { queryReader } from '../../validate.js';
import { chosenGuest } from './chosen-guest.js';

const listQuery = queryReader({ node: 'name', cluster: 'name', guest_id: 'id', all: 'flag' });
const choiceQuery = queryReader({ node: 'name', cluster: 'name', guest_id: 'id' });

/** GET /api/vms and /api/vms/{vm_id} (wire-contract.md, "Which guest, which node"). */
export function vmRoutes(router: Router, { db, config, clock, management }: WebParts): void {
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

  router.delete('/api/vms/:vm_id', requireScope('admin'), async (ctx) => {
    const { node, cluster, guest_id: guestId } = choiceQuery(ctx, config.billing.timeZone);
    const { guest, candidates } = await chosenGuest(db.reader, ctx, { node, cluster, guestId });
    if (candidates.candidates !== undefined) throw ambiguous(candidates.candidates);
    const wish = { guestId: guest.id, clusterId: guest.clusterId, speaker: speakerOf(ctx) };
    const { guestCount, sessionCount } = await orConflict(management.removeGuest(wish));
    const message = `VM ${guest.vmid} and its sessions are deleted`;
    ctx.body = { success: true, message, deleted_tracked: guestCount, deleted_sessions: sessionCount };
  });
}

/** Several clusters have a guest of the VMID: the answer names them, and which query values choose. */
function ambiguous(candidates: readonly { cluster: string; node: string; guest_id: number }[]): WebError {
  const named = candidates.map((one) => `${one.cluster} on ${one.node} (guest_id ${one.guest_id})`).join(', ');
  return unprocessable([
    { path: '/vm_id', message: `is borne by several guests: ${named}; choose with guest_id, cluster or node` },
  ]);
}
