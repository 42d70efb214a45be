import type { ClusterLedger } from './cluster-ledger.js';
import type { Entry, Member, Route } from './member.js';

/** Ways through other entries that are tried for a node: in a large cluster a dead node must not be asked about everywhere. */
const MAX_THROUGH = 2;

/** The entry whose server is this node itself; null where it has none, or none that answered yet. */
export function entryOf(entries: readonly Entry[], clusterId: number, node: string): Entry | null {
  return entries.find((entry) => entry.clusterId === clusterId && entry.localNode === node) ?? null;
}

/** True where the entry leads to the member: to its own node, or to any of its cluster. */
export function leadsTo(entry: Entry, member: { ledger: Pick<ClusterLedger, 'clusterId'>; node: string }): boolean {
  if (entry.clusterId !== member.ledger.clusterId) return false;
  return entry.config.scope === 'cluster' || entry.localNode === member.node;
}

/**
 * The ways to a member, in the order in which they are tried: its own entry, else the address that its cluster names, then
 * through at most two entries of its cluster, those that answer first (design.md, "config.yaml").
 */
export function routesOf(member: Member, entries: readonly Entry[], direct: Route | null): Route[] {
  const { clusterId } = member.ledger;
  const own = entryOf(entries, clusterId, member.node);
  const through = entries
    .filter((entry) => entry.clusterId === clusterId && entry !== own)
    .sort((a, b) => Number(a.error !== null) - Number(b.error !== null))
    .slice(0, MAX_THROUGH)
    .map((entry): Route => ({ api: entry.through, isDirect: false, entry }));
  if (own !== null) return [{ api: own.api, isDirect: true, entry: own }, ...through];
  return direct === null ? through : [direct, ...through];
}

/** One way per cluster, for what is asked once a cluster: one that does not fail, where there is one. */
export function clusterRoutes(members: Iterable<Member>): Map<ClusterLedger, Route> {
  const routes = new Map<ClusterLedger, Route>();
  for (const member of members) {
    const route = member.routes[0];
    if (route !== undefined && (!routes.has(member.ledger) || !member.isFailing)) routes.set(member.ledger, route);
  }
  return routes;
}
