import { reportFrom } from '../core/agent-report.js';
import type { ClusterState, GuestChange } from '../core/cluster-state.js';
import { deriveGuest } from '../core/derive-guest.js';
import { spansUntil, type GuestState } from '../core/guest.js';
import type { NodeState } from '../core/node-state.js';
import { commitGuests } from '../core/reconcile.js';
import { isPulled, takeTold } from '../core/told.js';
import type { Trx } from '../ledger/database.js';
import { writeGuests } from '../ledger/stores/change.js';
import type { ClusterLedger } from './cluster-ledger.js';

/** Ends what ran on a node that is tracked no more, as `removed` says since when; yields how many sessions that were. */
export async function endNode(trx: Trx, ledger: ClusterLedger, removed: NodeState, now: number): Promise<number> {
  const { state } = ledger;
  const isOpen = (guest: GuestState): boolean => guest.sessions.at(-1)?.session.end === null;
  const there = [...state.guests].filter(([, guest]) => guest.nodeId === removed.id && (guest.isOpen || isOpen(guest)));
  const changes = there.map(([key, guest]) => retired(key, guest, state, removed, now));
  await writeGuests(trx, ledger.clusterId, changes, now);
  commitGuests(state, changes);
  state.nodes.set(removed.id, removed);
  return there.filter(([, guest]) => isOpen(guest)).length;
}

/** What is known of the guest stops here: whoever sees it again begins with news. */
function retired(key: string, guest: GuestState, state: ClusterState, node: NodeState, now: number): GuestChange {
  if (!isPulled(guest)) {
    const window = { earliest: now, latest: now };
    const word = { nodeId: node.id, source: 'manual', state: 'unknown', isEdge: true } as const;
    const report = reportFrom({ ...word, contactBeforeAt: node.contactAt ?? null, window, uptimeS: null });
    const [change] = takeTold(state, node, [{ type: guest.type, vmid: guest.vmid, name: null, report }], now);
    if (change !== undefined) return change;
  }
  const spans = spansUntil(guest, node.lastSeen[guest.type], node.statesSeen);
  const after = { ...guest, spans, isOpen: false };
  const nodeOf = (id: number): NodeState | undefined => (id === node.id ? node : state.nodes.get(id));
  return { key, before: guest, after, derived: deriveGuest(after, nodeOf, now) };
}
