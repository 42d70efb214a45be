import type { Clock } from '../clock.js';
import type { ClusterDiscovery } from '../core/observation.js';
import { inTransaction, isUniqueViolation, type Database, type Trx } from '../ledger/database.js';
import { reviveNode } from '../ledger/stores/agent-nodes.js';
import { ensureNode, ensureUnmetNode, updateNode, type NodeRow, type WantedNode } from '../ledger/stores/clusters.js';
import { hasEntry } from '../ledger/stores/node-entries.js';
import { clusterNameOf, identifyCluster } from './identify.js';
import type { Entry } from './member.js';
import { entryOf } from './routes.js';

interface RowParts {
  db: Database;
  clock: Clock;
}

/** The id of the stored cluster that a discovery speaks of, made where it is new. */
export function clusterIdOf(
  { db, clock }: RowParts,
  { clusterId }: Pick<Entry, 'clusterId'>,
  discovery: ClusterDiscovery,
): Promise<number> {
  return twice(db, async (trx) => (await identifyCluster(trx, discovery, clock.now(), clusterId)).id);
}

/** The row of a cluster's member; null where the entry that leads to it was taken away meanwhile, by whichever manager. */
export function memberRow({ db, clock }: RowParts, entry: Entry, wanted: WantedNode): Promise<NodeRow | null> {
  return twice(db, async (trx) => {
    if (entry.stored !== null && !(await hasEntry(trx, entry.stored.id))) return null;
    return ensureNode(trx, wanted, clock.now());
  });
}

/** What the row of a cluster's member says: it is called as its own entry calls it. */
export function wantedNode(
  clusterId: number,
  discovery: ClusterDiscovery,
  member: ClusterDiscovery['members'][number],
  { entry, entries }: { entry: Entry; entries: readonly Entry[] },
): WantedNode {
  const own = entryOf(entries, clusterId, member.node);
  return {
    clusterId,
    clusterName: clusterNameOf(discovery),
    name: own?.config.name ?? member.node,
    proxmoxName: member.node,
    hostname: own?.config.host ?? member.ip ?? entry.config.host,
  };
}

/** An entry whose server does not answer and never did gets a row that says why. */
export async function noteUnmet({ db, clock }: RowParts, entry: Entry, health: string, error: string): Promise<void> {
  if (entry.localNode !== null) return;
  const { name, host } = entry.config;
  await inTransaction(db, async (trx) => {
    if (entry.stored !== null && !(await hasEntry(trx, entry.stored.id))) return;
    const unmet = await ensureUnmetNode(trx, { name, hostname: host }, clock.now());
    if (!unmet.isActive) await reviveNode(trx, unmet.id);
    await updateNode(trx, unmet.id, { health, last_error: error.slice(0, 1000) });
  });
}

/** Nodes that no entry leads to any more, as after an edit to another address, are not seen: their rows say so. */
export async function noteDropped({ db }: RowParts, members: readonly { nodeId: number }[]): Promise<void> {
  if (members.length === 0) return;
  const said = { health: 'unreachable', last_error: 'no entry leads to this node now, so it is not polled' };
  await inTransaction(db, async (trx) => {
    for (const { nodeId } of members) await updateNode(trx, nodeId, said);
  });
}

/** Another manager may meet the same cluster at this moment: then its row is there the second time. */
function twice<T>(db: Database, work: (trx: Trx) => Promise<T>): Promise<T> {
  return inTransaction(db, work).catch((error: unknown) => {
    if (isUniqueViolation(error)) return inTransaction(db, work);
    throw error;
  });
}
