import { derive, type Derived } from './derive.js';
import { spansUntil, type GuestState } from './guest.js';
import type { NodeState } from './node-state.js';

/** The sessions of one guest from all that is known of it and of the nodes it was on. */
export function deriveGuest(guest: GuestState, nodeOf: (id: number) => NodeState | undefined, asOf: number): Derived {
  const lastSeen = nodeOf(guest.nodeId)?.lastSeen[guest.type] ?? null;
  const spans = spansUntil(guest, lastSeen);
  const nodeIds = [...new Set([...spans.map((span) => span.nodeId), ...guest.tasks.map((task) => task.nodeId)])];
  // A backup of several guests is logged once for the node (proxmox-api.md, trap 21).
  const nodeTasks = nodeIds.flatMap((id) => nodeOf(id)?.tasks ?? []);
  return derive({
    spans,
    tasks: nodeTasks.length === 0 ? guest.tasks : [...guest.tasks, ...nodeTasks],
    boots: nodeIds.flatMap((nodeId) => (nodeOf(nodeId)?.boots ?? []).map((at) => ({ nodeId, at }))),
    coverageSince: new Map(nodeIds.map((id) => [id, nodeOf(id)?.coverageSince ?? asOf])),
    asOf,
  });
}
