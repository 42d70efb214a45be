import { ClusterLedger, type AppliedPoll } from '../../src/collect/cluster-ledger.js';
import { WriteQueue } from '../../src/collect/write-queue.js';
import { inTransaction, type Database } from '../../src/ledger/database.js';
import { ensureCluster, ensureNode } from '../../src/ledger/stores/clusters.js';
import { MovedClock } from '../fuzz/world-api.js';
import type { RecordedPoll, Recording } from './recorded-polls.js';

interface KnownCluster {
  ledger: ClusterLedger;
  nodeIds: Map<string, number>;
}

/** A manager as it is after a start: what it knows it read from the database, and its polls are those of a recording. */
export class ReplayingManager {
  private constructor(
    private readonly recording: Recording,
    private readonly clock: MovedClock,
    private readonly queue: WriteQueue,
    private readonly clusters: ReadonlyMap<string, KnownCluster>,
  ) {}

  /** Takes up what the database holds; at first contact it makes the rows of clusters and nodes. */
  static async start(db: Database, recording: Recording): Promise<ReplayingManager> {
    const clock = new MovedClock(recording.polls[0]?.observation.beganAt ?? 0);
    const clusters = new Map<string, KnownCluster>();
    for (const { name, nodes } of recording.clusters) {
      const { id, nodeIds } = await inTransaction(db, async (trx) => {
        const cluster = await ensureCluster(trx, `name:${name}`, name, clock.at);
        const rows = new Map<string, number>();
        for (const node of nodes) {
          const wanted = {
            clusterId: cluster.id,
            clusterName: name,
            name: node,
            proxmoxName: node,
            hostname: '127.0.0.1',
          };
          rows.set(node, (await ensureNode(trx, wanted, clock.at)).id);
        }
        return { id: cluster.id, nodeIds: rows };
      });
      const ledger = await ClusterLedger.open(db, id, { clock, intervalMs: recording.intervalMs });
      clusters.set(name, { ledger, nodeIds });
    }
    return new ReplayingManager(recording, clock, new WriteQueue(db, 0), clusters);
  }

  /** How many of the recording's polls the database holds: the next one is the first that it does not. */
  static async appliedCount(db: Database): Promise<number> {
    const [row] = (await db.reader('polls').count('* as count')) as { count: number | string }[];
    return Number(row?.count);
  }

  /** Applies polls of the recording from the k-th on, all waiting at once; rejects where one could not be written. */
  async apply(k: number, together = 1): Promise<void> {
    const polls = this.recording.polls.slice(k, k + together);
    this.clock.at = polls.at(-1)?.observation.finishedAt ?? this.clock.at;
    const outcomes = await Promise.allSettled(polls.map((poll) => this.applyOne(poll)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  private applyOne(poll: RecordedPoll): Promise<AppliedPoll> {
    const cluster = this.clusters.get(poll.cluster);
    const nodeId = cluster?.nodeIds.get(poll.node);
    if (cluster === undefined || nodeId === undefined) throw new Error(`there is no node ${poll.node}`);
    const { observation, health, error, identities, told } = poll;
    const { state } = cluster.ledger;
    for (const [key, one] of told) {
      state.pools.set(key, one.row.pool);
      (state.told ??= new Map()).set(key, one);
    }
    const own = identities.map((fact) => ({ ...fact, nodeId: nodeIdOf(cluster, poll, fact.nodeId) }));
    return this.queue.apply(cluster.ledger, { nodeId, observation, health, error, identities: own });
  }
}

/** The id here of the node that the recording counted as its n-th of this cluster. */
function nodeIdOf({ nodeIds }: KnownCluster, { cluster }: RecordedPoll, n: number): number {
  const id = [...nodeIds.values()][n - 1];
  if (id === undefined) throw new Error(`cluster ${cluster} has no node ${n}`);
  return id;
}
