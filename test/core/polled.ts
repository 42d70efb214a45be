import { newNodeState } from '../../src/core/node-state.js';
import type { GuestRow, Seen, TaskRow } from '../../src/core/observation.js';
import type { ClusterState } from '../../src/core/reconcile.js';
import { at } from './facts.js';

/** What polls bring home, written in seconds since the stories' beginning. */

/** A cluster of nodes that were never polled. */
export function newCluster(nodeIds = [1, 2]): ClusterState {
  const nodes = new Map(nodeIds.map((id) => [id, newNodeState(id, `n${id}`)]));
  return { nodes, guests: new Map(), samples: new Map(), pools: new Map(), pending: new Map() };
}

/** An answer that took 20 ms. */
export function seen<T>(nowS: number, value: T): Seen<T> {
  return { kind: 'seen', sentAt: at(nowS), receivedAt: at(nowS) + 20, value };
}

/** A guest's row in a node's list at `nowS`; it runs since `startS`, or is stopped where that is null. */
export function guestRow(vmid: number, startS: number | null, nowS: number, more: Partial<GuestRow> = {}): GuestRow {
  const runs = startS !== null;
  return {
    type: 'qemu',
    vmid,
    name: `vm-${vmid}`,
    status: runs ? 'running' : 'stopped',
    pid: runs ? 1000 + Math.floor(startS) : null,
    uptimeS: runs ? Math.floor(nowS - startS) : null,
    cores: 2,
    memoryBytes: 2 ** 31,
    lock: null,
    qmpstatus: null,
    tags: null,
    isTemplate: false,
    ...more,
  };
}

/** A finished row of node n1's log about VM 104, stamped by a clock that is ours. */
export function taskRow(type: string, startS: number, endS: number): TaskRow {
  const base = Math.floor(at(0) / 1000);
  return {
    upid: `UPID:n1:${type}:${startS}`,
    node: 'n1',
    pid: 7,
    pstart: 360_000 + startS * 100,
    startTimeS: base + startS,
    type,
    id: '104',
    user: 'alice@pve',
    endTimeS: base + endS,
    status: 'OK',
  };
}
