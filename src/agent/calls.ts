import { READING_AGE_MS } from '../core/agent-report.js';
import { toldBy, isUnsettled, keyOf, type Edge, type KnownGuest, type Sight } from './changes.js';

/** What an agent calls (the HTTP contract, "Ingest"): `/api/ingest/NAME`. */
export type CallName = 'register' | 'vm-start' | 'vm-stop' | 'vm-states' | 'heartbeat';

export interface Call {
  name: CallName;
  body: Readonly<Record<string, unknown>>;
}

/** Registering says who reports, and nothing of a guest. */
export function registerCall(node: string, hostname: string | null): Call {
  return { name: 'register', body: hostname === null ? { name: node } : { name: node, hostname } };
}

/** A start or a stop; its `event_id` makes a second delivery harmless. */
export function edgeCall(node: string, { kind, at, guest }: Edge, eventId: string): Call {
  const vmId = String(guest.vmid);
  if (kind === 'stop') return { name: 'vm-stop', body: { node, vm_id: vmId, stop_time: isoOf(at), event_id: eventId } };
  const { type, name } = guest;
  return {
    name: 'vm-start',
    body: { node, vm_id: vmId, vm_name: name, vm_type: type, start_time: isoOf(at), event_id: eventId },
  };
}

/** That all that was told still held at the look. It bears no `event_id`: told twice it says the same. */
export function heartbeatCall(node: string, at: number): Call {
  return { name: 'heartbeat', body: { node, timestamp: isoOf(at) } };
}

/** The full state of the node as the look showed it; a row that proves nothing is `unknown`. */
export function statesCall(
  node: string,
  sight: Sight,
  known: ReadonlyMap<string, KnownGuest>,
  { at: stampAt, eventId }: { at: number; eventId: string },
): Call {
  const vms = sight.rows.flatMap((row) => {
    const at = sight.lists[row.type];
    if (at === null || row.isTemplate) return [];
    const told = toldBy({ row, at, nodeUptimeS: sight.nodeUptimeS });
    const isOther = told?.state === 'running' && isUnsettled(row) && known.get(keyOf(row))?.state !== 'running';
    const uptime = told?.state === 'running' && !isOther ? (told.sample?.uptimeS ?? null) : null;
    const status = told === null || isOther ? 'unknown' : told.state;
    return [
      { vm_id: String(row.vmid), vm_type: row.type, name: row.name, status, node, uptime, maxmem: row.memoryBytes },
    ];
  });
  return { name: 'vm-states', body: { node, timestamp: isoOf(stampAt), event_id: eventId, vms } };
}

/** An instant as the wire has it. */
export function isoOf(at: number): string {
  return new Date(at).toISOString();
}

/**
 * The instant for which a look vouches: its last answer. The manager takes a reading to be ten seconds old at most (ledger rule
 * 22), so lists that took longer vouch for nothing: null.
 */
export function vouchedAt({ lists }: Sight): number | null {
  const asked = [lists.qemu, lists.lxc].filter((list) => list !== null);
  const at = Math.max(...asked.map(({ receivedAt }) => receivedAt));
  return asked.every(({ sentAt }) => at - sentAt <= READING_AGE_MS) ? at : null;
}
