import type { Knex } from 'knex';
import type { GuestType } from '../../core/observation.js';
import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import { correctionsInForce, countingEdges, type CorrectedSession } from './corrections.js';
import { proofsOf } from './proof.js';
import { nodeSights } from './sights.js';

export interface Usage {
  /** Running time within the range, by `at`; of an open session up to its last proof (ledger rule 21). */
  runningMs: number;
  /** How far runningMs can be off at most: every bound at its worst. */
  errorMs: number;
  sessionCount: number;
}

interface SumRow {
  guest_id: number;
  sessions: number | string;
  running: number | string | null;
  high: number | string | null;
  low: number | string | null;
}

interface OpenRow {
  id: number;
  guest_id: number;
  type: GuestType;
  start_at: number;
  start_earliest: number | null;
  start_latest: number;
}

/** The usage of each guest that ran within [from, to), by guest id; of all guests where none are named. */
export async function usageByGuest(
  db: Queryable,
  range: { from: number; to: number },
  guestIds: readonly number[] | null = null,
  asOf: number | null = null,
): Promise<Map<number, Usage>> {
  const usage = new Map<number, Usage>();
  const corrections = await correctionsInForce(db, guestIds);
  const correctedIds = [...corrections.keys()];
  for (const row of await inParts(guestIds, (ids) => endedSums(db, range, ids, correctedIds))) {
    const running = Number(row.running);
    const errorMs = Math.max(Number(row.high) - running, running - Number(row.low), 0);
    usage.set(row.guest_id, { runningMs: running, errorMs, sessionCount: Number(row.sessions) });
  }
  for (const one of corrections.values()) addCorrected(usage, range, one);
  await addOpen(db, usage, range, guestIds, corrections, asOf);
  return usage;
}

/** An ended session that was corrected: a corrected edge is off by nothing. */
function addCorrected(
  usage: Map<number, Usage>,
  { from, to }: { from: number; to: number },
  one: CorrectedSession,
): void {
  const edges = countingEdges(one);
  if (edges.end_at === null || edges.start_at >= to || edges.end_at <= from) return;
  const clip = (at: number): number => Math.min(Math.max(at, from), to);
  const runningMs = clip(edges.end_at) - clip(edges.start_at);
  const high = clip(edges.end_latest ?? edges.end_at) - clip(edges.start_earliest ?? from);
  const low = Math.max(0, clip(edges.end_earliest ?? edges.end_at) - clip(edges.start_latest));
  add(usage, one.guestId, { runningMs, errorMs: Math.max(high - runningMs, runningMs - low, 0), sessionCount: 1 });
}

function add(usage: Map<number, Usage>, guestId: number, more: Usage): void {
  usage.set(guestId, totalUsage([usage.get(guestId) ?? { runningMs: 0, errorMs: 0, sessionCount: 0 }, more]));
}

/** The sum over guests; errors add up, since every bound may be at its worst at once. */
export function totalUsage(usages: Iterable<Usage>): Usage {
  const total: Usage = { runningMs: 0, errorMs: 0, sessionCount: 0 };
  for (const usage of usages) {
    total.runningMs += usage.runningMs;
    total.errorMs += usage.errorMs;
    total.sessionCount += usage.sessionCount;
  }
  return total;
}

async function inParts<T>(ids: readonly number[] | null, ask: (ids: number[] | null) => Promise<T[]>): Promise<T[]> {
  return ids === null ? ask(null) : inBatches(ids, ask);
}

async function endedSums(
  db: Queryable,
  range: { from: number; to: number },
  guestIds: number[] | null,
  correctedIds: number[],
): Promise<SumRow[]> {
  const { from, to } = range;
  // Clipped in the query: a month of a big site is summed without a row of it leaving the database.
  const clip = (value: string): string => `(case when ${value} < ? then ? when ${value} > ? then ? else ${value} end)`;
  const bounds = [from, from, to, to];
  const span = (start: string, end: string): [string, number[]] => [
    `${clip(end)} - ${clip(start)}`,
    [...bounds, ...bounds],
  ];
  const [running, runningBinds] = span('start_at', 'end_at');
  const [high, highBinds] = span('coalesce(start_earliest, 0)', 'end_latest');
  const [low, lowBinds] = span('start_latest', 'coalesce(end_earliest, end_at)');
  const query = db('sessions')
    .where('start_at', '<', to)
    .where('end_at', '>', from)
    .groupBy('guest_id')
    .select('guest_id')
    .count('* as sessions')
    .select(sum(db, running, runningBinds, 'running'), sum(db, high, highBinds, 'high'))
    .select(
      db.raw(`sum(case when ${low} > 0 then ${low} else 0 end) as low`, [...lowBinds, ...lowBinds]) as Knex.Raw<number>,
    );
  if (guestIds !== null) void query.whereIn('guest_id', guestIds);
  if (correctedIds.length > 0) void query.whereNotIn('id', correctedIds);
  return (await query) as unknown as SumRow[];
}

function sum(db: Queryable, expression: string, binds: number[], name: string): Knex.Raw<number> {
  return db.raw(`sum(${expression}) as ${name}`, binds) as Knex.Raw<number>;
}

async function addOpen(
  db: Queryable,
  usage: Map<number, Usage>,
  { from, to }: { from: number; to: number },
  guestIds: readonly number[] | null,
  corrections: ReadonlyMap<number, CorrectedSession>,
  asOf: number | null,
): Promise<void> {
  const derived = await inParts(guestIds, (ids) => openSessions(db, ids));
  const open = derived
    .flatMap((row) => withCorrection(row, corrections.get(row.id)))
    .filter((row) => row.start_at < to);
  const guests = open.map((row) => ({ id: row.guest_id, type: row.type }));
  const proofs = await proofsOf(db, guests, await nodeSights(db, asOf));
  const clip = (at: number): number => Math.min(Math.max(at, from), to);
  for (const row of open) {
    const until = Math.max(row.start_at, proofs.get(row.guest_id)?.provenUntil ?? row.start_at);
    if (until < from) continue;
    const start = clip(row.start_at);
    const off = Math.max(start - clip(row.start_earliest ?? from), clip(row.start_latest) - start);
    add(usage, row.guest_id, { runningMs: clip(until) - start, errorMs: off, sessionCount: 1 });
  }
}

/** Empty where a correction ended it. */
function withCorrection(row: OpenRow, correction: CorrectedSession | undefined): OpenRow[] {
  if (correction === undefined) return [row];
  const edges = countingEdges(correction);
  return edges.end_at === null ? [{ ...row, ...edges }] : [];
}

async function openSessions(db: Queryable, guestIds: number[] | null): Promise<OpenRow[]> {
  const query = db('sessions as e')
    .join('guests as g', 'g.id', 'e.guest_id')
    .whereNotNull('e.open_guest_id')
    .select('e.id', 'e.guest_id', 'g.type', 'e.start_at', 'e.start_earliest', 'e.start_latest');
  if (guestIds !== null) void query.whereIn('e.open_guest_id', guestIds);
  return (await query) as OpenRow[];
}
