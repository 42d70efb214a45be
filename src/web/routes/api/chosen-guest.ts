import type { Context } from 'koa';
import type { Queryable } from '../../../ledger/database.js';
import { guestsByVmid, type GuestChoice } from '../../../ledger/queries/guests.js';
import type { GuestView } from '../../../ledger/queries/read-model.js';
import { notFound, unprocessable } from '../../errors.js';
import { presentCandidate } from '../../present/api-guest.js';
import { vmidOf } from '../../validate.js';

/** The guest that a call of a VMID is about; the answer names all where several clusters have one of it. */
export interface ChosenGuest {
  guest: GuestView;
  candidates: { candidates?: ReturnType<typeof presentCandidate>[] };
}

/** The guest of the path's `vm_id` (wire-contract.md, "Which guest, which node"). Throws 404 where no guest bears it. */
export async function chosenGuest(db: Queryable, ctx: Context, choice: GuestChoice): Promise<ChosenGuest> {
  const vmId = (ctx.params as Record<string, string | undefined>)['vm_id'] ?? '';
  if (vmId.length > 64) throw unprocessable([{ path: '/vm_id', message: 'must be at most 64 characters' }]);
  const bearers = await guestsByVmid(db, vmidOf(vmId), choice);
  const [guest] = bearers;
  if (guest === undefined) throw notFound(`No guest${placeOf(choice)} has the VMID ${vmId}.`);
  return { guest, candidates: bearers.length > 1 ? { candidates: bearers.map(presentCandidate) } : {} };
}

function placeOf({ node, cluster }: GuestChoice): string {
  return (node === undefined ? '' : ` on node ${node}`) + (cluster === undefined ? '' : ` in cluster ${cluster}`);
}
