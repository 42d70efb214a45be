import { setTimeout as pause } from 'node:timers/promises';
import { inTransaction, type Database, type Trx } from './database.js';
import { allNodes, purgeAudit, purgeEvents, purgePolls } from './stores/retention.js';

const DAY_MS = 24 * 3_600_000;
/** Rows a transaction: polls and agents wait for it. */
const BATCH_ROWS = 500;
/** Batches a run; what is left waits for the next day. */
const MAX_BATCHES = 10_000;
/** Between two batches others have their turn. */
const BREATH_MS = 20;
/**
 * A stamp lies at most 24 h after its event's arrival and is refused once it is 400 days old (wire-contract.md, "Limits"): a
 * day longer, and no event that is delivered again can be taken for a new one.
 */
const EVENT_DAYS = 402;

export interface RetentionWish {
  now: number;
  pollsDays: number;
  auditDays: number;
  /** Ends the run after the batch under way. */
  signal?: AbortSignal | undefined;
}

/** What a run removed. */
export interface Purged {
  polls: number;
  audit: number;
  events: number;
}

/**
 * Removes what is kept no longer: polls, the audit log, and agents' events after 402 days; in short transactions of their own,
 * and no more than five million rows a run. Sessions hold their bounds and evidence themselves and lose nothing by it.
 */
export async function purgeOld(db: Database, wish: RetentionWish): Promise<Purged> {
  const purged: Purged = { polls: 0, audit: 0, events: 0 };
  const budget = { batches: MAX_BATCHES };
  const before = (days: number): number => wish.now - days * DAY_MS;
  const all = (work: (trx: Trx) => Promise<number>): Promise<number> => inBatches(db, budget, wish.signal, work);
  for (const nodeId of await allNodes(db.reader))
    purged.polls += await all((trx) => purgePolls(trx, nodeId, before(wish.pollsDays), BATCH_ROWS));
  purged.audit = await all((trx) => purgeAudit(trx, before(wish.auditDays), BATCH_ROWS));
  purged.events = await all((trx) => purgeEvents(trx, before(EVENT_DAYS), BATCH_ROWS));
  return purged;
}

async function inBatches(
  db: Database,
  budget: { batches: number },
  signal: AbortSignal | undefined,
  work: (trx: Trx) => Promise<number>,
): Promise<number> {
  let total = 0;
  while (budget.batches > 0 && signal?.aborted !== true) {
    budget.batches -= 1;
    const count = await inTransaction(db, work);
    total += count;
    if (count < BATCH_ROWS) return total;
    await pause(BREATH_MS);
  }
  return total;
}
