import type { ClusterDiscovery } from '../core/observation.js';
import type { Trx } from '../ledger/database.js';
import { clusterByKey, clustersNamed, ensureCluster, hasMemberOf, type ClusterRow } from '../ledger/stores/clusters.js';

/** What a cluster is called on the wire: a standalone node's cluster is its own name. */
export function clusterNameOf(discovery: ClusterDiscovery): string {
  return discovery.clusterName ?? discovery.localNode;
}

/**
 * The stored cluster that a discovery speaks of (ledger rule 24): the one of the same root CA; where the CA cannot be read,
 * the one of the same name that shares a member; else a new one. So renames and two clusters of one name keep apart. `knownId`
 * is where the entry led before: a node of the same name with another CA has renewed it, or was installed anew, which its log
 * tells; so has one whose CA could not be read before.
 */
export async function identifyCluster(
  trx: Trx,
  discovery: ClusterDiscovery,
  now: number,
  knownId: number | null = null,
): Promise<ClusterRow> {
  const name = clusterNameOf(discovery);
  if (discovery.rootCaSha256 !== null) {
    const key = `ca:${discovery.rootCaSha256}`;
    const isNew = (await clusterByKey(trx, key)) === null;
    const known = isNew ? (await clustersNamed(trx, name)).find(({ id }) => id === knownId) : undefined;
    if (known !== undefined && (await hasMemberOf(trx, known.id, [discovery.localNode]))) return rekey(trx, known, key);
    return ensureCluster(trx, key, name, now);
  }
  const members = discovery.members.map((member) => member.node);
  for (const known of await clustersNamed(trx, name)) {
    if (await hasMemberOf(trx, known.id, members)) return known;
  }
  const key = discovery.clusterName === null ? `node:${name}` : `name:${name}:${members.toSorted()[0] ?? name}`;
  return ensureCluster(trx, key, name, now);
}

async function rekey(trx: Trx, cluster: ClusterRow, key: string): Promise<ClusterRow> {
  await trx('clusters').where({ id: cluster.id }).update({ cluster_key: key });
  return { ...cluster, clusterKey: key };
}
