import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '../src/ledger/database.js';

/**
 * What our SQLite dialect costs: many rows in batches, rows one by one, range reads and memory, with the statement cache
 * and without. Run one case alone for a true RSS: `npx tsx bench/sqlite-dialect.ts cached` (or `uncached`).
 */

const BATCH = 200;
const BATCHES = 500;
const SINGLES = 2000;
const RANGES = 2000;

interface Figures {
  [name: string]: string | number;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const beganAt = performance.now();
  await work();
  return (performance.now() - beganAt) / 1000;
}

function row(k: number): Record<string, number | string> {
  return { node_id: k % 50, began_at: 1_774_747_800_000 + k * 600, outcome: 'seen' };
}

async function createTable(db: Database): Promise<void> {
  await db.writer.schema.createTable('polls', (table) => {
    table.bigIncrements('id');
    table.bigInteger('node_id').notNullable();
    table.bigInteger('began_at').notNullable();
    table.string('outcome', 32);
    table.index(['node_id', 'began_at']);
  });
}

async function insertBatches(db: Database): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    await db.writer('polls').insert(Array.from({ length: BATCH }, (_, k) => row(batch * BATCH + k)));
  }
}

async function insertSingles(db: Database): Promise<void> {
  await db.writer.transaction(async (trx) => {
    for (let k = 0; k < SINGLES; k++) await trx('polls').insert(row(BATCH * BATCHES + k));
  });
}

async function readRanges(db: Database): Promise<void> {
  for (let k = 0; k < RANGES; k++) {
    const from = 1_774_747_800_000 + (k % 1000) * 1000;
    const rows: unknown[] = await db
      .reader('polls')
      .where({ node_id: k % 50 })
      .whereBetween('began_at', [from, from + 101 * 50 * 600 - 1]);
    if (rows.length < 100) throw new Error(`a range held ${rows.length} rows`);
  }
}

async function measure(name: string, statementLimit: number): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-bench-'));
  const db = openDatabase({ type: 'sqlite', file: join(folder, 'x.sqlite') }, { statementLimit });
  try {
    await createTable(db);
    const batches = await timed(() => insertBatches(db));
    const singles = await timed(() => insertSingles(db));
    const ranges = await timed(() => readRanges(db));
    return {
      statements: name,
      'rows/s in batches': Math.round((BATCH * BATCHES) / batches),
      'inserts/s in one transaction': Math.round(SINGLES / singles),
      'ranges/s of 101 rows': Math.round(RANGES / ranges),
      'peak rss MB': Math.round(process.resourceUsage().maxRSS / 1000),
    };
  } finally {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const wanted = process.argv[2];
const cases: [string, number][] = [
  ['cached', 200],
  ['uncached', 0],
];
const chosen = cases.filter(([name]) => wanted === undefined || wanted === name);
const figures: Figures[] = [];
for (const [name, limit] of chosen) figures.push(await measure(name, limit));
console.table(figures);
