import type { ClusterState } from '../core/cluster-state.js';
import { guestKey } from '../core/guest.js';
import { ConflictError, type GuestRemoval, type NodeRemoval } from '../core/management.js';
import { newNodeState } from '../core/node-state.js';
import { writeAudit } from '../ledger/access.js';
import type { Trx } from '../ledger/database.js';
import { deleteGuests, deleteNodeRecords, retireNode } from '../ledger/stores/removal.js';
import type { ClusterLedger } from './cluster-ledger.js';
import { endNode } from './end-node.js';
import type { DeskParts } from './manual-desk.js';

/** Ends the tracking of nodes, and forgets guests (wire-contract.md, "Management"). */
export class RemovalDesk {
  constructor(private readonly parts: DeskParts) {}

  async removeNode(wish: NodeRemoval): Promise<number> {
    if (this.parts.isPolled(wish.nodeId)) {
      throw new ConflictError(`The node ${wish.node} is polled as a member of its cluster: it would be back at once.`);
    }
    const ledger = await this.parts.ledgerOf(wish.clusterId);
    const count = await this.parts.queue.call(ledger, (trx) => this.takeNode(trx, ledger, wish));
    this.parts.nodes.forget();
    return count;
  }

  private async takeNode(trx: Trx, ledger: ClusterLedger, wish: NodeRemoval): Promise<number> {
    const { node, nodeId, speaker } = wish;
    const now = this.parts.clock.now();
    const { state } = ledger;
    const removed = { ...(state.nodes.get(nodeId) ?? newNodeState(nodeId, node)), removedAt: now };
    await retireNode(trx, nodeId, now);
    const ended = await endNode(trx, ledger, removed, now);
    const deleted = wish.isPurged ? await purge(trx, ledger, nodeId) : 0;
    const after = { is_active: false, ended_sessions: ended, is_purged: wish.isPurged, deleted_sessions: deleted };
    const entry = { ...speaker, at: now, action: 'node.delete', subject: node };
    await writeAudit(trx, { ...entry, before: { is_active: true }, after });
    return deleted;
  }

  async removeGuest(wish: GuestRemoval): Promise<{ guestCount: number; sessionCount: number }> {
    const ledger = await this.parts.ledgerOf(wish.clusterId);
    return this.parts.queue.call(ledger, (trx) => this.takeGuest(trx, ledger, wish));
  }

  private async takeGuest(
    trx: Trx,
    { state, clusterId }: ClusterLedger,
    { guestId, speaker }: GuestRemoval,
  ): Promise<{ guestCount: number; sessionCount: number }> {
    const guest = [...state.guests.values()].find((one) => one.lives.some(({ id }) => id === guestId));
    if (guest === undefined) throw new ConflictError('The guest is gone: another call deleted it at the same time.');
    if (guest.lives.at(-1)?.id !== guestId) {
      throw new ConflictError(`guest_id ${guestId} is an earlier life of VM ${guest.vmid}, which is borne anew.`);
    }
    const { type, vmid } = guest;
    const ids = guest.lives.flatMap(({ id }) => id ?? []);
    const sessionCount = await deleteGuests(trx, { clusterId, type, vmid }, ids);
    forget(state, guestKey(type, vmid));
    const entry = { ...speaker, at: this.parts.clock.now(), action: 'vm.delete', subject: `${type} ${vmid}` };
    await writeAudit(trx, { ...entry, before: { guest_ids: ids, sessions: sessionCount } });
    return { guestCount: ids.length, sessionCount };
  }
}

/** The guests that the node had last go with all their rows; those that moved away keep what they did there. */
async function purge(trx: Trx, { state, clusterId }: ClusterLedger, nodeId: number): Promise<number> {
  let count = 0;
  for (const [key, { type, vmid, lives, nodeId: at }] of [...state.guests]) {
    if (at !== nodeId) continue;
    const ids = lives.flatMap(({ id }) => id ?? []);
    count += await deleteGuests(trx, { clusterId, type, vmid }, ids);
    forget(state, key);
  }
  await deleteNodeRecords(trx, nodeId);
  return count;
}

function forget(state: ClusterState, key: string): void {
  state.guests.delete(key);
  state.samples.delete(key);
  state.pools.delete(key);
  state.pending.delete(key);
  state.told?.delete(key);
  state.states?.delete(key);
  // Made anew from the guests that are left.
  delete state.open;
}
