import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import { noMeter, type Meter } from '../core/meter.js';
import { inTransaction, isRetryable, type Database, type Trx } from '../ledger/database.js';
import { StaleClusterError } from '../ledger/stores/clusters.js';
import { writePolls, type PolledRow } from '../ledger/stores/polls.js';
import type { AppliedPoll, ClusterLedger, FinishedPoll } from './cluster-ledger.js';

/** Polls that end within this time of each other are written together: a commit waits for the disk. */
const GATHER_MS = 25;
const MAX_BATCH = 200;
/** Times that a batch is tried where another manager keeps writing the same clusters. */
const MAX_ATTEMPTS = 8;

/** What an agent or a person says, waiting to be written. */
interface Call {
  ledger: ClusterLedger;
  work: (trx: Trx, ledger: ClusterLedger) => Promise<unknown>;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

interface Waiting {
  ledger: ClusterLedger;
  poll: FinishedPoll;
  /** True once an attempt failed, of which may be unknown whether it took effect. */
  isTried: boolean;
  resolve: (applied: AppliedPoll) => void;
  reject: (error: unknown) => void;
}

/**
 * Applies finished polls, one batch after another, each poll with all that it changes in one transaction. Those that wait at
 * the same moment share one, so that idle polls of many nodes cost one commit and one statement (ledger rule 2).
 */
export class WriteQueue {
  private waiting: Waiting[] = [];
  private calls: Call[] = [];
  private isDraining = false;

  constructor(
    private readonly db: Database,
    private readonly gatherMs = GATHER_MS,
    private readonly meter: Meter = noMeter,
  ) {}

  /** Resolves when the poll is committed; rejects when it could not be written, and then nothing of it is recorded. */
  apply(ledger: ClusterLedger, poll: FinishedPoll): Promise<AppliedPoll> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ledger, poll, isTried: false, resolve, reject });
      if (!this.isDraining) void this.drain();
    });
  }

  /**
   * Runs `work` on the cluster beside the polls and resolves when it is committed. Calls that arrive while one is written share
   * the next transaction, a savepoint each: one that fails takes no other with it.
   */
  call<T>(ledger: ClusterLedger, work: (trx: Trx, ledger: ClusterLedger) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.calls.push({ ledger, work, resolve: resolve as (result: unknown) => void, reject });
      if (!this.isDraining) void this.drain();
    });
  }

  /** Never rejects: what fails is told to those who wait. */
  private async drain(): Promise<void> {
    this.isDraining = true;
    while (this.waiting.length > 0 || this.calls.length > 0) {
      // SQLite's work leaves the event loop no turn: without one, what has arrived is not seen and each call commits alone.
      if (this.calls.length > 0) await turn();
      if (this.calls.length > 0) await this.writeCalls(this.calls.splice(0, MAX_BATCH));
      if (this.waiting.length === 0) continue;
      // Who calls waits for an answer; polls can wait for each other.
      if (this.calls.length === 0) await pause(this.gatherMs);
      const batch = this.waiting.splice(0, MAX_BATCH);
      const failure = await this.applyAll(batch);
      if (failure === null) continue;
      // One poll that cannot be written must not take the others with it.
      for (const one of batch) {
        const own = batch.length === 1 ? failure : await this.applyAll([one]);
        if (own !== null) one.reject(own.error);
      }
    }
    // In the same turn as the last look at `waiting`: who comes later begins anew.
    this.isDraining = false;
  }

  private async timed<T>(what: 'polls' | 'calls', work: () => Promise<T>): Promise<T> {
    const done = this.meter.writing(what);
    try {
      return await work();
    } finally {
      done();
    }
  }

  /** All in one transaction; where that fails as a whole, each in its own. */
  private async writeCalls(calls: readonly Call[]): Promise<void> {
    try {
      const outcomes = await this.timed('calls', () => inTransaction(this.db, (trx) => writeEach(trx, calls)));
      for (const { ledger } of calls) ledger.committed();
      for (const [k, call] of calls.entries()) outcomes[k]?.tell(call);
    } catch (error) {
      for (const { ledger } of calls) ledger.invalidate();
      const [only] = calls;
      if (calls.length === 1) only?.reject(error);
      else for (const call of calls) await this.writeCalls([call]);
    }
  }

  /** Null when all of them are committed; else nothing is, and the next attempt starts from what is stored. */
  private async applyAll(batch: readonly Waiting[]): Promise<{ error: unknown } | null> {
    const groups = byLedger(batch);
    for (let attempt = 1; ; attempt++) {
      try {
        const applied = await this.timed('polls', () => inTransaction(this.db, (trx) => writeGroups(trx, groups)));
        for (const [ledger] of groups) ledger.committed();
        for (const [one, result] of applied) one.resolve(result);
        return null;
      } catch (error) {
        for (const one of batch) one.isTried = true;
        // Another manager wrote meanwhile: reload, and reconcile again.
        if (error instanceof StaleClusterError && attempt < MAX_ATTEMPTS) continue;
        return { error };
      }
    }
  }
}

/** What becomes of a call once the transaction is committed. */
interface Outcome {
  isFailed: boolean;
  tell: (call: Call) => void;
}

/** Each cluster is opened once, outside of the savepoints: what one call undoes leaves the others its revision. */
async function writeEach(trx: Trx, calls: readonly Call[]): Promise<Outcome[]> {
  const opened = new Set<ClusterLedger>();
  const outcomes: Outcome[] = [];
  for (const { ledger, work } of calls) {
    if (!opened.has(ledger)) await ledger.openBeside(trx);
    opened.add(ledger);
    const outcome = calls.length === 1 ? told(await work(trx, ledger)) : await withSavepoint(trx, ledger, work);
    if (outcome.isFailed) {
      // What the call left in memory before it failed is not stored.
      ledger.invalidate();
      opened.delete(ledger);
    }
    outcomes.push(outcome);
    // Pages are answered meanwhile, and further calls arrive.
    if (calls.length > 1) await turn();
  }
  return outcomes;
}

const told = (result: unknown): Outcome => ({ isFailed: false, tell: (call) => call.resolve(result) });

/** By hand: a nested transaction of Knex costs more than most calls do. */
async function withSavepoint(trx: Trx, ledger: ClusterLedger, work: Call['work']): Promise<Outcome> {
  await trx.raw('savepoint one_call');
  try {
    const result = await work(trx, ledger);
    await trx.raw('release savepoint one_call');
    return told(result);
  } catch (error) {
    // A deadlock has undone the whole transaction: then all of it is to be tried again.
    if (isRetryable(error)) throw error;
    await trx.raw('rollback to savepoint one_call');
    await trx.raw('release savepoint one_call');
    return { isFailed: true, tell: (call) => call.reject(error) };
  }
}

type Groups = [ledger: ClusterLedger, own: Waiting[]][];

/** Clusters in one order for all managers: two that write the same ones then wait for each other instead of colliding. */
function byLedger(batch: readonly Waiting[]): Groups {
  const groups = new Map<ClusterLedger, Waiting[]>();
  for (const one of batch) groups.set(one.ledger, [...(groups.get(one.ledger) ?? []), one]);
  return [...groups].sort(([a], [b]) => a.clusterId - b.clusterId);
}

async function writeGroups(trx: Trx, groups: Groups): Promise<Map<Waiting, AppliedPoll>> {
  const results = new Map<Waiting, AppliedPoll>();
  const polls: PolledRow[] = [];
  for (const [ledger, own] of groups) {
    const finished = own.map((one) => one.poll);
    const isTried = own.some((one) => one.isTried);
    for (const [k, applied] of (await ledger.write(trx, finished, isTried)).entries()) {
      const one = own[k];
      if (one === undefined) continue;
      results.set(one, applied);
      if (applied.change === null) continue;
      const { node, statesSeen } = applied.change;
      polls.push({ ...one.poll, node, statesSeen });
    }
  }
  await writePolls(trx, polls);
  return results;
}
