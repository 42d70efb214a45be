import type { GuestState, GuestView } from '../../ledger/queries/read-model.js';
import { formatHours, isoOf, wholeSeconds } from './api-values.js';

/** What was not seen is `unknown` on the wire, as in an agent's snapshot. */
const STATUS: Record<GuestState, 'running' | 'stopped' | 'unknown'> = {
  running: 'running',
  stopped: 'stopped',
  not_seen: 'unknown',
};

/** A guest as the wire has it. */
export function presentGuest(guest: GuestView) {
  return {
    vm_id: String(guest.vmid),
    guest_id: guest.id,
    name: guest.name,
    node: guest.node,
    cluster: guest.cluster,
    vm_type: guest.type,
    status: STATUS[guest.state],
    is_tracked: guest.isPresent,
    is_template: guest.isTemplate,
    cores: guest.cores,
    memory_bytes: guest.memoryBytes,
    tags: guest.tags,
    pool: guest.pool,
    first_seen: isoOf(guest.firstSeenAt),
    last_seen: isoOf(guest.lastSeenAt),
    destroyed_at: isoOf(guest.destroyedAt),
    running_since: isoOf(guest.runningSince),
    active_session_id: guest.openSessionId,
    total_runtime_seconds: wholeSeconds(guest.totalRuntimeMs),
    formatted_runtime: formatHours(guest.totalRuntimeMs),
  };
}

/** What names one of several guests that bear a VMID. */
export function presentCandidate(guest: GuestView) {
  return { cluster: guest.cluster, node: guest.node, guest_id: guest.id };
}
