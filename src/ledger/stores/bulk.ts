import type { Trx } from '../database.js';
import { upsertClause } from '../dialects.js';

type Values = Record<string, unknown>;

/**
 * How many rows one statement takes: the text is then one of three for each table, which SQLite compiles once and keeps, and a
 * hundred rows of our most columns bind 2,100 values, far below SQLite's 32,766.
 */
const ROWS_A_STATEMENT = [100, 10, 1];

/**
 * What the texts of a statement of several rows may hold: an agent's event bears a whole snapshot. A character is four bytes at
 * most, or two of a quote that is escaped, so that such a statement stays below the 16 MiB that MariaDB takes by default.
 */
const CHARS_A_STATEMENT = 1024 * 1024;

/** Inserts rows of the same columns, many in a statement, in their order. */
export async function insertRows(trx: Trx, table: string, rows: readonly Values[]): Promise<void> {
  await write(trx, table, rows, '');
}

/** Inserts rows of the same columns and yields their new ids in the order of the rows; nobody else may insert rows with the same owners meanwhile. */
export async function insertForIds(
  trx: Trx,
  table: string,
  rows: readonly Values[],
  owner = 'guest_id',
): Promise<number[]> {
  const [first] = rows;
  if (first === undefined) return [];
  if (rows.length === 1) return (await trx(table).insert(first)) as number[];
  // Which of the new ids a driver tells is not the same everywhere, so they are read: within one owner they follow the order of the rows.
  const newest = (await trx(table).max('id as id').first()) as { id: number | null } | undefined;
  await write(trx, table, rows, '');
  const stored = (await trx(table)
    .where('id', '>', newest?.id ?? 0)
    .orderBy('id')
    .select('id', owner)) as Record<string, number>[];
  const ids = new Map<unknown, number[]>();
  for (const row of stored) {
    const own = ids.get(row[owner]);
    if (own === undefined) ids.set(row[owner], [row['id'] as number]);
    else own.push(row['id'] as number);
  }
  const next = new Map<unknown, number>();
  return rows.map((row) => {
    const k = next.get(row[owner]) ?? 0;
    next.set(row[owner], k + 1);
    const id = ids.get(row[owner])?.[k];
    if (id === undefined) throw new Error(`a new row of ${table} was not found again`);
    return id;
  });
}

/**
 * Writes rows that are stored already and are found by `key`, many in a statement, in their order. Every row gives the same
 * columns, all that must not be NULL among them; those of `kept` stay as they are stored.
 */
export async function updateRows(
  trx: Trx,
  table: string,
  key: string,
  rows: readonly Values[],
  kept: readonly string[] = [],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const changed = Object.keys(first).filter((column) => column !== key && !kept.includes(column));
  await write(trx, table, rows, upsertClause(trx, key, changed));
}

async function write(trx: Trx, table: string, rows: readonly Values[], clause: string): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const columns = Object.keys(first);
  const names = columns.map((column) => `\`${column}\``).join(', ');
  const one = `(${columns.map(() => '?').join(', ')})`;
  let done = 0;
  for (const size of ROWS_A_STATEMENT) {
    for (; rows.length - done >= size; done += size) {
      const values = valuesOf(rows, done, done + size, columns);
      if (size > 1 && charsOf(values) > CHARS_A_STATEMENT) break;
      const places = new Array<string>(size).fill(one).join(', ');
      await run(trx, `insert into \`${table}\` (${names}) values ${places}${clause}`, values);
    }
  }
}

function valuesOf(rows: readonly Values[], from: number, to: number, columns: readonly string[]): unknown[] {
  const values: unknown[] = [];
  for (let k = from; k < to; k += 1) {
    for (const column of columns) {
      const value = rows[k]?.[column];
      if (value === undefined) throw new Error(`a row to be written has no ${column}`);
      values.push(value);
    }
  }
  return values;
}

function charsOf(values: readonly unknown[]): number {
  let count = 0;
  for (const value of values) if (typeof value === 'string') count += value.length;
  return count;
}

/** Runs a statement as it is written: Knex would look for the place of each of its thousands of values, and copy them, every time. */
async function run(trx: Trx, sql: string, bindings: unknown[]): Promise<void> {
  const query = trx.raw(sql);
  const compiled = { ...query.toSQL(), bindings } as ReturnType<typeof query.toSQL>;
  query.toSQL = () => compiled;
  await query;
}
