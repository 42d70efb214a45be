import type { NodeObservation } from '../core/observation.js';
import type { IdentityFact } from '../core/identity.js';
import { commit, reconcile, type ClusterState, type PollChange, type PollContext } from '../core/reconcile.js';
import { middle } from '../core/window.js';
import type { Database, Trx } from '../ledger/database.js';
import { writeChange, type WrittenGuest } from '../ledger/stores/change.js';
import {
  bumpRevision,
  clusterById,
  raiseRevision,
  updateNode,
  type ClusterRow,
  type NodeFields,
} from '../ledger/stores/clusters.js';
import { loadCluster } from '../ledger/stores/load.js';
import { isPollWritten, pollInstants } from '../ledger/stores/polls.js';
import type { Clock } from '../clock.js';

/** A poll whose network work is done, waiting to be applied. */
export interface FinishedPoll {
  nodeId: number;
  observation: NodeObservation;
  health: string;
  error: string | null;
  /** By how much the manager's wall clock ran ahead of its monotonic one since the node's last poll. */
  clockStepMs?: number;
  /** What was read of guests' configs since the node's last poll. */
  identities?: readonly IdentityFact[];
}

export interface AppliedPoll {
  guests: WrittenGuest[];
  /** Null where an earlier attempt had written the poll, though its answer was lost: nothing is written twice. */
  change: PollChange | null;
}

/** One cluster's ledger: what is known of it, and how finished polls change that. A WriteQueue hands it the polls, one batch at a time. */
export class ClusterLedger {
  /** True from a write on until its commit is known. */
  private isUnsettled = false;
  /** How often someone else changed what is stored, and how many of these the state has read. */
  private readonly changes = { told: 0, read: 0 };
  /** What a node's row was last written with, as text. */
  private readonly written = new Map<number, string>();

  private constructor(
    private readonly parts: { clock: Clock; intervalMs: number },
    private row: ClusterRow,
    private loaded: ClusterState,
  ) {}

  /** The ledger of a stored cluster, its state rebuilt from the database. */
  static async open(
    db: Database,
    clusterId: number,
    parts: { clock: Clock; intervalMs: number },
  ): Promise<ClusterLedger> {
    const ledger = new ClusterLedger(
      parts,
      await clusterById(db.writer, clusterId),
      await loadCluster(db.writer, clusterId),
    );
    return ledger;
  }

  get clusterId(): number {
    return this.row.id;
  }

  /** What is known now; read it, do not change it. */
  get state(): ClusterState {
    return this.loaded;
  }

  /** Rereads the cluster at the next apply: a node was added, or someone else wrote. */
  invalidate(): void {
    this.changes.told += 1;
  }

  /** What was written is committed: the state in memory is the stored one, but for what someone else changed meanwhile. */
  committed(): void {
    this.isUnsettled = false;
  }

  private get isStale(): boolean {
    return this.isUnsettled || this.changes.told !== this.changes.read;
  }

  /**
   * Writes what the polls change, in their order and in the caller's transaction; their own rows are the caller's. Until
   * `committed` the state counts as stale. Polls that were tried before are written only where they are not yet. Throws
   * StaleClusterError where another manager wrote meanwhile.
   */
  async write(trx: Trx, polls: readonly FinishedPoll[], isTried = false): Promise<AppliedPoll[]> {
    const isRetried = isTried || this.isStale;
    if (this.isStale) await this.reload(trx);
    this.isUnsettled = true;
    const revision = await bumpRevision(trx, this.row);
    const now = this.parts.clock.now();
    const applied: AppliedPoll[] = [];
    for (const poll of polls) {
      if (isRetried && (await isPollWritten(trx, poll.nodeId, poll.observation))) {
        applied.push({ guests: [], change: null });
        continue;
      }
      const change = reconcile(this.loaded, poll.observation, poll.nodeId, await this.contextOf(trx, poll));
      const guests = await writeChange(trx, this.row.id, this.loaded, change, now);
      await this.writeNode(trx, poll, change);
      commit(this.loaded, change);
      applied.push({ guests, change });
    }
    this.row = { ...this.row, revision };
    return applied;
  }

  /**
   * Lets the caller's transaction write to the cluster beside the polls: what agents and people say leaves out fence and revision
   * (design.md, "Transactions"). Once a transaction is enough, since it holds the cluster's row. Until `committed` the state
   * counts as stale.
   */
  async openBeside(trx: Trx): Promise<void> {
    const revision = await raiseRevision(trx, this.row.id);
    if (this.isStale || revision !== this.row.revision + 1) await this.reload(trx);
    this.isUnsettled = true;
    this.row = { ...this.row, revision };
  }

  /** A transaction that is tried again, after a deadlock or another's write, starts from what is stored. */
  private async reload(trx: Trx): Promise<void> {
    const { told: toldChanges } = this.changes;
    this.row = await clusterById(trx, this.row.id);
    const { pools, told } = this.loaded;
    this.loaded = await loadCluster(trx, this.row.id);
    // What the cluster told since is newer than what was stored.
    for (const [key, pool] of pools) this.loaded.pools.set(key, pool);
    if (told !== undefined) this.loaded.told = told;
    this.written.clear();
    this.changes.read = toldChanges;
  }

  private async contextOf(trx: Trx, poll: FinishedPoll): Promise<PollContext> {
    const { intervalMs } = this.parts;
    const { clockStepMs = 0, identities = [] } = poll;
    const last = this.loaded.nodes.get(poll.nodeId)?.lastPollFinishedAt ?? null;
    const { beganAt } = poll.observation;
    // Whether the manager was down is told by the polls of other nodes, and asked only where this node had none for long.
    const isLongAgo = last !== null && beganAt - last > 2 * intervalMs;
    const clusterPolls = isLongAgo ? await pollInstants(trx, this.row.id, last, beganAt) : [];
    return { intervalMs, clusterPolls, clockStepMs, identities };
  }

  /** A node's row is written only when something of it changed: idle polls leave it alone. */
  private async writeNode(trx: Trx, poll: FinishedPoll, change: PollChange): Promise<void> {
    const boot = change.node.boots.at(-1) ?? null;
    const { status } = poll.observation;
    const fields: Partial<NodeFields> = {
      health: poll.health,
      last_error: poll.error === null ? null : poll.error.slice(0, 1000),
      coverage_since: change.node.coverageSince,
      ...(boot === null ? {} : { boot_at: middle(boot), boot_earliest: boot.earliest, boot_latest: boot.latest }),
      boots: JSON.stringify(change.node.boots.map(({ earliest, latest }) => [earliest, latest])),
    };
    const version = status?.kind === 'seen' ? status.value.version : null;
    if (version !== null) fields.version = version;
    const key = JSON.stringify(fields);
    if (this.written.get(poll.nodeId) === key) return;
    await updateNode(trx, poll.nodeId, fields);
    this.written.set(poll.nodeId, key);
  }
}
