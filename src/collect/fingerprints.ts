import type { ClusterDiscovery } from '../core/observation.js';

/** The certificates that trusted members' GET /nodes name, each for its own node (design.md, "Certificates"). */
export class NamedFingerprints {
  private readonly byNode = new Map<string, string>();

  /** Takes over what a trusted member of the cluster said; the last word on a node counts. */
  take(clusterId: number, discovery: ClusterDiscovery): void {
    for (const { node, sslFingerprint } of discovery.members) {
      if (sslFingerprint !== null) this.byNode.set(`${clusterId}/${node}`, sslFingerprint);
    }
  }

  /** What the server of a node may show beside its pinned leaf; any named one where it is not known which node it is. */
  of({ localNode, clusterId }: { localNode: string | null; clusterId: number | null }): ReadonlySet<string> {
    if (localNode === null || clusterId === null) return new Set(this.byNode.values());
    const named = this.byNode.get(`${clusterId}/${localNode}`);
    return new Set(named === undefined ? [] : [named]);
  }
}
