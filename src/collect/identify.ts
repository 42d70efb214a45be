import type { ClusterDiscovery } from '../core/observation.js';
import type { Trx } from '../ledger/database.js';
import { clustersNamed, ensureCluster, hasMemberOf, type ClusterRow } from '../ledger/stores/clusters.js';

/** What a cluster is called on the wire: a standalone node's cluster is its own name. */
export function clusterNameOf(discovery: ClusterDiscovery): string {
  return discovery.clusterName ?? discovery.localNode;
}

/**
 * The stored cluster that a discovery speaks of (ledger rule 24): the one of the same root CA; where the CA cannot be read,
 * the one of the same name that shares a member; else a new one. So renames and two clusters of one name keep apart.
 */
export async function identifyCluster(trx: Trx, discovery: ClusterDiscovery, now: number): Promise<ClusterRow> {
  const name = clusterNameOf(discovery);
  if (discovery.rootCaSha256 !== null) {
    const key = `ca:${discovery.rootCaSha256}`;
    return ensureCluster(trx, key, name, now);
  }
  const members = discovery.members.map((member) => member.node);
  for (const known of await clustersNamed(trx, name)) {
    if (await hasMemberOf(trx, known.id, members)) return known;
  }
  const key = discovery.clusterName === null ? `node:${name}` : `name:${name}:${members.toSorted()[0] ?? name}`;
  return ensureCluster(trx, key, name, now);
}
