import type { GuestType } from '../../core/observation.js';
import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import type { GuestRecord } from './guest-view.js';
import type { SessionRecord } from './session-view.js';

/*
 * Rows by their ids, put together here: each query walks one index, so that no database can choose a bad order of tables
 * for want of statistics. Nodes and clusters are few, and read whole.
 */

/** The guests with these ids, in this order; unknown ids are left out. */
export async function guestRecords(db: Queryable, ids: readonly number[]): Promise<GuestRecord[]> {
  const rows = await inBatches(
    ids,
    async (part) =>
      (await db('guests as g')
        .leftJoin('spans as s', 's.open_guest_id', 'g.id')
        .leftJoin('sessions as o', 'o.open_guest_id', 'g.id')
        .whereIn('g.id', part)
        .select(guestColumns)) as Omit<GuestRecord, 'node' | 'cluster'>[],
  );
  const { nodes, clusters } = await namesOf(db);
  return inOrder(ids, rows).map((row) => ({
    ...row,
    node: nodes.get(row.node_id) ?? '',
    cluster: clusters.get(row.cluster_id) ?? '',
  }));
}

const guestColumns = [
  'g.id',
  'g.cluster_id',
  'g.node_id',
  'g.type',
  'g.vmid',
  'g.current_vmid',
  'g.name',
  'g.cores',
  'g.memory_bytes',
  'g.tags',
  'g.pool',
  'g.is_template',
  'g.first_seen_at',
  'g.destroyed_at',
  's.state as span_state',
  's.node_id as span_node_id',
  'o.id as open_session_id',
  'o.start_at as open_start_at',
];

type OfGuest = 'vmid' | 'type' | 'guest_name' | 'guest_current_vmid' | 'guest_destroyed_at' | 'cluster_id' | 'cluster';
type SessionRow = Omit<SessionRecord, OfGuest | 'node'> & {
  node_id: number | null;
};

interface BearerRow {
  id: number;
  cluster_id: number;
  vmid: number;
  type: GuestType;
  name: string | null;
  current_vmid: number | null;
  destroyed_at: number | null;
}

/** The sessions with these ids, in this order; unknown ids are left out. */
export async function sessionRecords(db: Queryable, ids: readonly number[]): Promise<SessionRecord[]> {
  const rows = await inBatches(ids, async (part) => (await db('sessions').whereIn('id', part)) as SessionRow[]);
  const bearers = await bearersOf(db, [...new Set(rows.map((row) => row.guest_id))]);
  const { nodes, clusters } = await namesOf(db);
  return inOrder(ids, rows).flatMap((row) => {
    const guest = bearers.get(row.guest_id);
    if (guest === undefined) return [];
    return {
      ...row,
      vmid: guest.vmid,
      type: guest.type,
      guest_name: guest.name,
      guest_current_vmid: guest.current_vmid,
      guest_destroyed_at: guest.destroyed_at,
      cluster_id: guest.cluster_id,
      cluster: clusters.get(guest.cluster_id) ?? '',
      node: nodes.get(row.node_id ?? -1) ?? '',
    };
  });
}

async function bearersOf(db: Queryable, ids: readonly number[]): Promise<Map<number, BearerRow>> {
  const rows = await inBatches(
    ids,
    async (part) =>
      (await db('guests')
        .whereIn('id', part)
        .select('id', 'cluster_id', 'vmid', 'type', 'name', 'current_vmid', 'destroyed_at')) as BearerRow[],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

interface Names {
  nodes: ReadonlyMap<number, string>;
  clusters: ReadonlyMap<number, string>;
}

/** The wire names of all nodes and clusters, by id. */
export async function namesOf(db: Queryable): Promise<Names> {
  const read = async (table: 'nodes' | 'clusters'): Promise<Map<number, string>> => {
    const rows = (await db(table).select('id', 'name')) as { id: number; name: string }[];
    return new Map(rows.map((row) => [row.id, row.name]));
  };
  return { nodes: await read('nodes'), clusters: await read('clusters') };
}

function inOrder<T extends { id: number }>(ids: readonly number[], rows: readonly T[]): T[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id)).filter((row) => row !== undefined);
}
