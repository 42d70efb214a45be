import type { Queryable, Trx } from '../database.js';

export interface ClusterRow {
  id: number;
  clusterKey: string;
  name: string;
  revision: number;
  fence: number;
}

export interface NodeRow {
  id: number;
  clusterId: number;
  name: string;
  proxmoxName: string;
  isActive: boolean;
  health: string;
}

/** The revision or the fence of a cluster is not what the caller last read: someone else wrote; reload and reconcile again. */
export class StaleClusterError extends Error {
  override name = 'StaleClusterError';
}

/**
 * The first statement of every writing transaction on a cluster: it locks the row and proves that nobody else wrote since
 * `revision` was read (design.md, "Transactions"). Yields the new revision; throws StaleClusterError where it is another.
 */
export async function bumpRevision(trx: Trx, cluster: Pick<ClusterRow, 'id' | 'revision' | 'fence'>): Promise<number> {
  const changed = await trx('clusters')
    .where({ id: cluster.id, fence: cluster.fence, revision: cluster.revision })
    .update({ revision: cluster.revision + 1 });
  if (changed !== 1) throw new StaleClusterError(`cluster ${cluster.id} was written by another`);
  return cluster.revision + 1;
}

/** The first statement of a write that agents or people cause: it locks the cluster's row and yields the new revision. */
export async function raiseRevision(trx: Trx, clusterId: number): Promise<number> {
  await trx('clusters').where({ id: clusterId }).increment('revision', 1);
  const row = (await trx('clusters').where({ id: clusterId }).first('revision')) as { revision: number } | undefined;
  if (row === undefined) throw new Error(`cluster ${clusterId} is not in the database`);
  return row.revision;
}

/** The cluster with this key, made where it is not known yet; its name follows what Proxmox calls it now. */
export async function ensureCluster(trx: Trx, key: string, name: string, now: number): Promise<ClusterRow> {
  const found = await clusterByKey(trx, key);
  if (found !== null) {
    if (found.name !== name) await trx('clusters').where({ id: found.id }).update({ name });
    return { ...found, name };
  }
  await trx('clusters').insert({ cluster_key: key, name, revision: 0, fence: 0, lease_counter: 0, created_at: now });
  const made = await clusterByKey(trx, key);
  if (made === null) throw new Error(`cluster ${key} was not stored`);
  return made;
}

/** The stored cluster; throws where there is none with this id. */
export async function clusterById(db: Queryable, id: number): Promise<ClusterRow> {
  const row = (await db('clusters').where({ id }).first()) as StoredCluster | undefined;
  if (row === undefined) throw new Error(`cluster ${id} is not in the database`);
  return clusterOf(row);
}

/** Every stored cluster that bears this name. */
export async function clustersNamed(db: Queryable, name: string): Promise<ClusterRow[]> {
  return ((await db('clusters').where({ name }).orderBy('id')) as StoredCluster[]).map(clusterOf);
}

/** True when one of these Proxmox names is a node of the cluster. */
export async function hasMemberOf(db: Queryable, clusterId: number, proxmoxNames: readonly string[]): Promise<boolean> {
  const named = db('nodes').where({ cluster_id: clusterId });
  return (await named.whereIn('proxmox_name', [...proxmoxNames]).first('id')) !== undefined;
}

interface StoredCluster {
  id: number;
  cluster_key: string;
  name: string;
  revision: number;
  fence: number;
}

function clusterOf(row: StoredCluster): ClusterRow {
  return { id: row.id, clusterKey: row.cluster_key, name: row.name, revision: row.revision, fence: row.fence };
}

/** The stored cluster with this key; null where there is none. */
export async function clusterByKey(trx: Trx, key: string): Promise<ClusterRow | null> {
  const row = (await trx('clusters').where({ cluster_key: key }).first()) as StoredCluster | undefined;
  return row === undefined ? null : clusterOf(row);
}

export interface WantedNode {
  clusterId: number;
  clusterName: string;
  /** The config's name, else Proxmox's. */
  name: string;
  proxmoxName: string;
  hostname: string;
  /** `push` where only an agent tells of it. */
  source?: 'pull' | 'push';
}

/**
 * The node's row, made at first contact: its wire name is the wanted one, or `cluster/name` where another node has that
 * already, and stays (wire-contract.md, "Which guest, which node").
 */
export async function ensureNode(trx: Trx, wanted: WantedNode, now: number): Promise<NodeRow> {
  const found = await nodeByProxmoxName(trx, wanted.clusterId, wanted.proxmoxName);
  if (found !== null) {
    if (!found.isActive) await trx('nodes').where({ id: found.id }).update({ is_active: 1, removed_at: null });
    // Known by another entry before its own answered: then it has its name already, and one row is enough.
    const unmet = found.name === wanted.name ? null : await unmetNode(trx, wanted);
    if (unmet !== null) {
      await trx('nodes').where({ id: unmet.id }).delete();
      await trx('clusters').where({ id: unmet.cluster_id }).delete();
    }
    return { ...found, isActive: true };
  }
  const adopted = await adoptUnmet(trx, wanted);
  if (adopted !== null) return adopted;
  const isTaken = (await trx('nodes').where({ name: wanted.name }).first()) !== undefined;
  await trx('nodes').insert({
    cluster_id: wanted.clusterId,
    name: isTaken ? `${wanted.clusterName}/${wanted.name}` : wanted.name,
    proxmox_name: wanted.proxmoxName,
    hostname: wanted.hostname,
    source: wanted.source ?? 'pull',
    generation: 1,
    is_active: 1,
    health: 'unreachable',
    created_at: now,
  });
  const made = await nodeByProxmoxName(trx, wanted.clusterId, wanted.proxmoxName);
  if (made === null) throw new Error(`node ${wanted.proxmoxName} was not stored`);
  return made;
}

/** Clusters that hold a config entry whose server has never answered. */
const UNMET = 'entry:';

/** A row for an entry of `nodes:` that has never answered, so that pages and API can say so; its first answer moves it to its cluster. */
export async function ensureUnmetNode(
  trx: Trx,
  entry: { name: string; hostname: string },
  now: number,
): Promise<NodeRow> {
  const known = (await trx('nodes').where({ name: entry.name }).first()) as StoredNode | undefined;
  if (known !== undefined) return nodeOf(known);
  const cluster = await ensureCluster(trx, `${UNMET}${entry.name}`, entry.name, now);
  return ensureNode(
    trx,
    {
      clusterId: cluster.id,
      clusterName: entry.name,
      name: entry.name,
      proxmoxName: entry.name,
      hostname: entry.hostname,
    },
    now,
  );
}

/** True for the placeholder cluster of an entry that has never answered. */
export async function isUnmet(db: Queryable, clusterId: number): Promise<boolean> {
  return (await clusterById(db, clusterId)).clusterKey.startsWith(UNMET);
}

/** The node of that wire name, tracked or not; null where there is none. */
export async function nodeNamed(db: Queryable, name: string): Promise<NodeRow | null> {
  const rows = (await db('nodes').where({ name })) as StoredNode[];
  // MariaDB also finds the name in another case.
  const row = rows.find((one) => one.name === name);
  return row === undefined ? null : nodeOf(row);
}

/** The tracked nodes of a cluster. */
export async function nodesOf(db: Queryable, clusterId: number): Promise<NodeRow[]> {
  return ((await db('nodes').where({ cluster_id: clusterId, is_active: 1 }).orderBy('id')) as StoredNode[]).map(nodeOf);
}

async function unmetNode(trx: Trx, wanted: WantedNode): Promise<StoredNode | null> {
  const row = (await trx('nodes')
    .join('clusters', 'clusters.id', 'nodes.cluster_id')
    .where({ 'nodes.name': wanted.name })
    .where('clusters.cluster_key', 'like', `${UNMET}%`)
    .where('nodes.cluster_id', '<>', wanted.clusterId)
    .first('nodes.*')) as StoredNode | undefined;
  return row ?? null;
}

async function adoptUnmet(trx: Trx, wanted: WantedNode): Promise<NodeRow | null> {
  const row = await unmetNode(trx, wanted);
  if (row === null) return null;
  const moved = { cluster_id: wanted.clusterId, proxmox_name: wanted.proxmoxName, hostname: wanted.hostname };
  await trx('gaps').where({ node_id: row.id }).update({ cluster_id: wanted.clusterId });
  await trx('nodes').where({ id: row.id }).update(moved);
  await trx('clusters').where({ id: row.cluster_id }).delete();
  return nodeOf({ ...row, ...moved });
}

interface StoredNode {
  id: number;
  cluster_id: number;
  name: string;
  proxmox_name: string;
  is_active: number;
  health: string;
}

function nodeOf(row: StoredNode): NodeRow {
  return {
    id: row.id,
    clusterId: row.cluster_id,
    name: row.name,
    proxmoxName: row.proxmox_name,
    isActive: row.is_active === 1,
    health: row.health,
  };
}

async function nodeByProxmoxName(trx: Trx, clusterId: number, proxmoxName: string): Promise<NodeRow | null> {
  const row = (await trx('nodes')
    .where({ cluster_id: clusterId, proxmox_name: proxmoxName })
    .orderBy('generation', 'desc')
    .first()) as StoredNode | undefined;
  return row === undefined ? null : nodeOf(row);
}

/** What is worth a write of a node only when it changed. */
export interface NodeFields {
  health: string;
  last_error: string | null;
  boot_at: number | null;
  boot_earliest: number | null;
  boot_latest: number | null;
  /** All that are known, as JSON: [[earliest, latest], ...], oldest first. */
  boots: string;
  version: string | null;
  coverage_since: number | null;
  hostname: string;
}

/** Writes the fields given. */
export async function updateNode(trx: Trx, nodeId: number, fields: Partial<NodeFields>): Promise<void> {
  if (Object.keys(fields).length > 0) await trx('nodes').where({ id: nodeId }).update(fields);
}
