import { inStampOrder, reportFrom, type AgentReport } from './agent-report.js';
import type { ClusterState } from './cluster-state.js';
import { guestKey, type GuestState } from './guest.js';
import type { AgentWord, SnapshotRow } from './ingest.js';
import type { GuestType } from './observation.js';
import { isPulled, type Told } from './told.js';
import { intersect, type Window } from './window.js';

/** What a call's words are about, once its stamp is on the manager's clock. */
export interface Spoken {
  nodeId: number;
  window: Window;
  contactBeforeAt: number | null;
}

/**
 * What a call says of guests, as facts; of a snapshot only rows that tell more than is known, so that agents which send one at
 * every interval add no rows. Registering and heartbeats say nothing of a guest.
 */
export function toldBy(word: AgentWord, spoken: Spoken, state: ClusterState): Told[] {
  switch (word.kind) {
    case 'register':
    case 'heartbeat':
      return [];
    case 'start': {
      const { type, vmid, name } = word;
      return [{ type, vmid, name, report: reportFrom({ ...spoken, ...EDGE, state: 'running' }) }];
    }
    case 'stop': {
      const type = bearerOf(word.vmid, spoken.nodeId, state);
      if (type === null) return [];
      return [{ type, vmid: word.vmid, name: null, report: reportFrom({ ...spoken, ...EDGE, state: 'stopped' }) }];
    }
    case 'states':
      return [...word.rows.flatMap((row) => toldByRow(row, spoken, state)), ...absentBy(word.rows, spoken, state)];
  }
}

const EDGE = { source: 'agent', isEdge: true, uptimeS: null } as const;
const ROW = { source: 'agent', isEdge: false, uptimeS: null } as const;

/** The type of the guest that bears the VMID: the one on this node first, and of two the one that runs; null where nobody knows it. */
export function bearerOf(vmid: number, nodeId: number, state: ClusterState): GuestType | null {
  const bearers = (['qemu', 'lxc'] as const).flatMap((type) => state.guests.get(guestKey(type, vmid)) ?? []);
  const rank = (guest: GuestState): number =>
    (guest.sessions.at(-1)?.session.end === null ? 2 : 0) + (guest.nodeId === nodeId ? 1 : 0);
  return bearers.sort((a, b) => rank(b) - rank(a))[0]?.type ?? null;
}

function toldByRow(row: SnapshotRow, spoken: Spoken, state: ClusterState): Told[] {
  const known = state.guests.get(guestKey(row.type, row.vmid));
  // A paused guest's process is there: whether it is charged is policy (ledger rule 17).
  const stateOf = row.status === 'paused' ? 'running' : row.status;
  const before = lastBefore(known, spoken);
  const isRenamed = known !== undefined && row.name !== null && known.profile.name !== row.name && !isPulled(known);
  const hasUptime = stateOf === 'running' && row.uptimeS !== null && row.uptimeS > 0;
  // Most rows of most snapshots end here: of a thousand guests the report alone would cost as much as all the rest.
  if (before?.state === stateOf && !isRenamed && !hasUptime) return [];
  const report = reportFrom({ ...spoken, ...ROW, state: stateOf, uptimeS: row.uptimeS });
  if (before !== null && !isRenamed && !tellsMore(before, report)) return [];
  return [{ type: row.type, vmid: row.vmid, name: row.name, report }];
}

/** The report that was in force at the stamp, whatever arrived later. */
function lastBefore(guest: GuestState | undefined, { window }: Spoken): AgentReport | null {
  const reports = guest?.reports ?? [];
  const last = reports.at(-1);
  if (last === undefined || last.window.latest <= window.latest) return last ?? null;
  return inStampOrder(reports).findLast((one) => one.window.latest <= window.latest) ?? null;
}

/** Another state, or a start that the uptime knows better. */
function tellsMore(before: AgentReport, report: AgentReport): boolean {
  if (before.state !== report.state) return true;
  if (report.start === null) return false;
  if (before.start === null) return true;
  const both = intersect(before.start, report.start);
  if (both === null) return true;
  return report.isYoung && both.latest - both.earliest < before.start.latest - before.start.earliest - 500;
}

/** Guests that ran on the node when it was last heard of, and that its full snapshot does not list. */
function absentBy(rows: readonly SnapshotRow[], spoken: Spoken, state: ClusterState): Told[] {
  const listed = new Set(rows.map((row) => guestKey(row.type, row.vmid)));
  const told: Told[] = [];
  for (const [key, guest] of state.guests) {
    if (guest.nodeId !== spoken.nodeId || listed.has(key)) continue;
    const before = lastBefore(guest, spoken);
    if (before?.nodeId !== spoken.nodeId || (before.state !== 'running' && before.state !== 'absent')) continue;
    if (before.state === 'absent' && guest.sessions.at(-1)?.session.end !== null) continue;
    const report = reportFrom({ ...spoken, ...ROW, state: 'absent' });
    told.push({ type: guest.type, vmid: guest.vmid, name: null, report });
  }
  return told;
}
