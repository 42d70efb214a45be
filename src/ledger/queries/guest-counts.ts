import type { GuestType } from '../../core/observation.js';
import type { Queryable } from '../database.js';
import type { GuestState } from './read-model.js';
import type { NodeSight } from './sights.js';

export interface GuestCounts {
  total: number;
  running: number;
  stopped: number;
  notSeen: number;
}

interface CountRow {
  node_id: number;
  type: GuestType;
  state: 'running' | 'stopped' | null;
  span_node_id: number | null;
  count: number | string;
}

/** What a guest is now: its open span's state where its node's last poll saw its list, else not seen (ledger rule 1). */
export function stateOf(
  span: { state: 'running' | 'stopped' | null; nodeId: number | null },
  type: GuestType,
  sights: ReadonlyMap<number, NodeSight>,
): GuestState {
  if (span.state === null || span.nodeId === null) return 'not_seen';
  return sights.get(span.nodeId)?.isSeen[type] === true ? span.state : 'not_seen';
}

/** Counts of the guests that exist, by the node they are on, in one query. */
export async function countGuests(
  db: Queryable,
  sights: ReadonlyMap<number, NodeSight>,
): Promise<Map<number, GuestCounts>> {
  const rows = (await db('guests as g')
    .leftJoin('spans as s', 's.open_guest_id', 'g.id')
    .whereNotNull('g.current_vmid')
    .whereNull('g.destroyed_at')
    .groupBy('g.node_id', 'g.type', 's.state', 's.node_id')
    .select('g.node_id', 'g.type', 's.state', 's.node_id as span_node_id')
    .count('* as count')) as CountRow[];
  const counts = new Map<number, GuestCounts>();
  for (const row of rows) {
    const of = counts.get(row.node_id) ?? { total: 0, running: 0, stopped: 0, notSeen: 0 };
    const count = Number(row.count);
    const state = stateOf({ state: row.state, nodeId: row.span_node_id }, row.type, sights);
    of.total += count;
    if (state === 'running') of.running += count;
    else if (state === 'stopped') of.stopped += count;
    else of.notSeen += count;
    counts.set(row.node_id, of);
  }
  return counts;
}
