import type { NodeObservation } from '../core/observation.js';
import { commit, reconcile, type ClusterState, type PollChange } from '../core/reconcile.js';
import { middle } from '../core/window.js';
import { inTransaction, type Database, type Trx } from '../ledger/database.js';
import { writeChange, type WrittenGuest } from '../ledger/stores/change.js';
import {
  bumpRevision,
  clusterById,
  StaleClusterError,
  updateNode,
  type ClusterRow,
  type NodeFields,
} from '../ledger/stores/clusters.js';
import { loadCluster } from '../ledger/stores/load.js';
import { writePolls } from '../ledger/stores/polls.js';
import type { Clock } from '../clock.js';

/** Times that a batch is tried where another manager keeps writing the same cluster. */
const MAX_ATTEMPTS = 8;

/** A poll whose network work is done, waiting to be applied. */
export interface FinishedPoll {
  nodeId: number;
  observation: NodeObservation;
  health: string;
  error: string | null;
}

export interface AppliedPoll {
  guests: WrittenGuest[];
  change: PollChange;
}

interface Waiting {
  poll: FinishedPoll;
  resolve: (applied: AppliedPoll) => void;
  reject: (error: unknown) => void;
}

/**
 * One cluster's ledger: applies finished polls one after another, each with all that it changes in one transaction.
 * Those that wait at the same moment share one, so that idle polls of many nodes cost one statement (ledger rule 2).
 */
export class ClusterLedger {
  private waiting: Waiting[] = [];
  private draining: Promise<void> | null = null;
  private isStale = false;
  /** What a node's row was last written with, as text. */
  private readonly written = new Map<number, string>();

  private constructor(
    private readonly db: Database,
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
      db,
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
    this.isStale = true;
  }

  /** Resolves when the poll is committed; rejects when it could not be written, and then nothing of it is recorded. */
  apply(poll: FinishedPoll): Promise<AppliedPoll> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ poll, resolve, reject });
      this.draining ??= this.drain();
    });
  }

  private async drain(): Promise<void> {
    // Polls that end in the same turn of the loop are taken together.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, 200);
      const failure = await this.applyAll(batch);
      if (failure === null) continue;
      // One poll that cannot be written must not take the others with it.
      for (const one of batch) {
        const own = batch.length === 1 ? failure : await this.applyAll([one]);
        if (own !== null) one.reject(own.error);
      }
    }
    this.draining = null;
  }

  /** Null when all of them are committed; else nothing is, and the next attempt starts from what is stored. */
  private async applyAll(batch: readonly Waiting[]): Promise<{ error: unknown } | null> {
    const polls = batch.map((one) => one.poll);
    for (let attempt = 1; ; attempt++) {
      try {
        const applied = await inTransaction(this.db, (trx) => this.write(trx, polls));
        this.isStale = false;
        applied.forEach((result, k) => batch[k]?.resolve(result));
        return null;
      } catch (error) {
        this.isStale = true;
        // Another manager wrote meanwhile: reload, and reconcile again.
        if (error instanceof StaleClusterError && attempt < MAX_ATTEMPTS) continue;
        return { error };
      }
    }
  }

  private async write(trx: Trx, polls: readonly FinishedPoll[]): Promise<AppliedPoll[]> {
    // A transaction that is tried again, after a deadlock or another's write, starts from what is stored.
    if (this.isStale) {
      this.row = await clusterById(trx, this.row.id);
      const { pools } = this.loaded;
      this.loaded = await loadCluster(trx, this.row.id);
      // What the cluster told since is newer than what was stored.
      for (const [key, pool] of pools) this.loaded.pools.set(key, pool);
      this.written.clear();
    }
    this.isStale = true;
    const revision = await bumpRevision(trx, this.row);
    const now = this.parts.clock.now();
    const applied: AppliedPoll[] = [];
    for (const poll of polls) {
      const change = reconcile(this.loaded, poll.observation, poll.nodeId, { intervalMs: this.parts.intervalMs });
      const guests = await writeChange(trx, this.row.id, this.loaded, change, now);
      await this.writeNode(trx, poll, change);
      commit(this.loaded, change);
      applied.push({ guests, change });
    }
    await writePolls(trx, polls);
    this.row = { ...this.row, revision };
    return applied;
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
    };
    const version = status?.kind === 'seen' ? status.value.version : null;
    if (version !== null) fields.version = version;
    const key = JSON.stringify(fields);
    if (this.written.get(poll.nodeId) === key) return;
    await updateNode(trx, poll.nodeId, fields);
    this.written.set(poll.nodeId, key);
  }
}
