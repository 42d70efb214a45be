import type { Queryable } from '../database.js';
import { countGuests, type GuestCounts } from './guest-counts.js';
import type { NodeHealth, NodeView } from './read-model.js';
import { lastSeenOf, nodeSights, type NodeSight } from './sights.js';

export interface NodeFilter {
  /** Also those that are tracked no more. */
  includeRemoved?: boolean | undefined;
  cluster?: string | undefined;
}

interface NodeRow {
  id: number;
  name: string;
  hostname: string;
  cluster_id: number;
  cluster: string;
  is_active: number;
  health: NodeHealth;
  last_error: string | null;
  boot_at: number | null;
  version: string | null;
  coverage_since: number | null;
  source: 'pull' | 'push';
}

/** The nodes by cluster and name, with their health and counts. */
export async function listNodes(db: Queryable, filter: NodeFilter = {}): Promise<NodeView[]> {
  const query = db('nodes as n').join('clusters as c', 'c.id', 'n.cluster_id').select(nodeColumns);
  if (filter.includeRemoved !== true) void query.where('n.is_active', 1);
  if (filter.cluster !== undefined) void query.where('c.name', filter.cluster);
  const rows = (await query.orderBy(['c.name', 'n.name', 'n.id'])) as NodeRow[];
  return rows.length === 0 ? [] : viewsOf(db, rows);
}

/** The node of that wire name, also one that is tracked no more; null when unknown. */
export async function nodeByName(db: Queryable, name: string): Promise<NodeView | null> {
  const rows = (await db('nodes as n')
    .join('clusters as c', 'c.id', 'n.cluster_id')
    .select(nodeColumns)
    .where('n.name', name)) as NodeRow[];
  // MariaDB also finds the name in another case.
  const exact = rows.filter((row) => row.name === name);
  return (await viewsOf(db, exact))[0] ?? null;
}

const nodeColumns = [
  'n.id',
  'n.name',
  'n.hostname',
  'n.cluster_id',
  'c.name as cluster',
  'n.is_active',
  'n.health',
  'n.last_error',
  'n.boot_at',
  'n.version',
  'n.coverage_since',
  'n.source',
];

async function viewsOf(db: Queryable, rows: readonly NodeRow[]): Promise<NodeView[]> {
  if (rows.length === 0) return [];
  const sights = await nodeSights(db);
  const counts = await countGuests(db, sights);
  return rows.map((row) => viewOf(row, sights.get(row.id), counts.get(row.id)));
}

/**
 * How many tasks of each node are kept as evidence; 0 where there are none. It reads an index alone, but all of
 * it for those nodes, so it grows with the log: only for who shows the number.
 */
export async function countEvents(db: Queryable, nodeIds: readonly number[]): Promise<Map<number, number>> {
  const rows = (await db('tasks')
    .whereIn('node_id', [...nodeIds])
    .groupBy('node_id')
    .select('node_id')
    .count('* as count')) as { node_id: number; count: number | string }[];
  const counts = new Map(rows.map((row) => [row.node_id, Number(row.count)]));
  return new Map(nodeIds.map((id) => [id, counts.get(id) ?? 0]));
}

function viewOf(row: NodeRow, sight: NodeSight | undefined, counts: GuestCounts | undefined): NodeView {
  return {
    id: row.id,
    name: row.name,
    hostname: row.hostname,
    clusterId: row.cluster_id,
    cluster: row.cluster,
    isActive: row.is_active === 1,
    health: row.health,
    lastError: row.last_error,
    lastSeenAt: lastSeenOf(sight),
    lastPolledAt: sight?.lastPolledAt ?? null,
    offsetMs: sight?.offsetMs ?? null,
    bootAt: row.boot_at,
    version: row.version,
    coverageSince: row.coverage_since,
    source: row.source,
    guestCount: counts?.total ?? 0,
    runningCount: counts?.running ?? 0,
  };
}
