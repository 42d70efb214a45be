import type { NodeView } from '../../ledger/queries/read-model.js';
import { isoOf } from './api-values.js';

/** A node as the wire has it; `eventCount` tasks of it are kept as evidence. */
export function presentNode(node: NodeView, eventCount: number) {
  return {
    id: node.id,
    name: node.name,
    hostname: node.hostname,
    cluster: node.cluster,
    is_active: node.isActive,
    status: node.health,
    last_error: node.lastError,
    last_seen: isoOf(node.lastSeenAt),
    clock_offset_ms: node.offsetMs,
    boot_time: isoOf(node.bootAt),
    version: node.version,
    coverage_since: isoOf(node.coverageSince),
    source: node.source,
    total_events: eventCount,
    total_vms: node.guestCount,
    running_vms: node.runningCount,
  };
}
