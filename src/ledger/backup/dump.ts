import { createHash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Knex } from 'knex';
import type { Database, Trx } from '../database.js';
import { appliedMigrations } from '../migration-tables.js';
import { BackupError, FORMAT, type BackupHeader } from './file.js';
import { tableNames } from './tables.js';

/** A line holds so many rows at most, and of those whose texts have no bound so many that these fit, but one at least. */
const LINE_ROWS = 500;
const LINE_CHARS = 4 * 1024 * 1024;

/**
 * Writes the whole database into a new file, as it is at one instant, while others go on writing to it; yields what it holds.
 * Memory stays bounded, and the file appears under its name only when it is whole. Throws BackupError where it is there already.
 */
export async function writeBackup(
  db: Database,
  file: string,
  { version, now }: { version: string; now: number },
): Promise<BackupHeader> {
  const part = `${file}.part`;
  refuseTaken(file);
  // SQLite's and InnoDB's readers both see what was there at their first read, to the end of their transaction.
  const level = db.kind === 'mysql' ? ({ isolationLevel: 'repeatable read' } as const) : {};
  const header = await db.reader.transaction(async (trx) => {
    const head = await headerOf(db, trx, version, now);
    // On the disk before it has its name: a power cut leaves no whole-looking file.
    const target = createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true });
    try {
      await pipeline(Readable.from(summed(linesOf(trx, head))), createGzip(), target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new BackupError(
          `${part} is there already: another backup is under way, or one was broken off; remove it`,
        );
      await rm(part, { force: true });
      throw error;
    }
    return head;
  }, level);
  refuseTaken(file);
  await rename(part, file);
  return header;
}

function refuseTaken(file: string): void {
  if (existsSync(file)) throw new BackupError(`${file} is there already: name a new file`);
}

async function headerOf(db: Database, trx: Trx, version: string, createdAt: number): Promise<BackupHeader> {
  const migrations = await appliedMigrations(trx);
  if (migrations.length === 0)
    throw new BackupError(`the database ${db.label} holds no tables yet: there is nothing to back up`);
  const tables: BackupHeader['tables'] = {};
  for (const table of await tableNames(db.kind, trx)) {
    const columns = Object.keys(await trx(table).columnInfo());
    const [counted] = (await trx(table).count('* as count')) as { count: number | string }[];
    tables[table] = { columns, rowCount: Number(counted?.count) };
  }
  return { format: FORMAT, version, createdAt, migrations, tables };
}

async function* linesOf(trx: Trx, header: BackupHeader): AsyncGenerator<string> {
  yield JSON.stringify(header);
  for (const [table, { columns, rowCount }] of Object.entries(header.tables)) {
    const reading: Reading = { table, key: columns.includes('id') ? 'id' : (columns[0] ?? ''), last: null };
    const texts = await textsOf(trx, table);
    for (let done = 0; done < rowCount;) {
      const limit = texts.length === 0 ? LINE_ROWS : await countThatFits(trx, reading, texts);
      const rows = (await following(trx, reading, limit).select(columns)) as Record<string, unknown>[];
      if (rows.length === 0) break;
      yield JSON.stringify({ table, rows: rows.map((row) => columns.map((name) => row[name])) });
      done += rows.length;
      reading.last = rows.at(-1)?.[reading.key];
    }
  }
}

/** How far a table was read, in the order of its key. */
interface Reading {
  table: string;
  key: string;
  last: unknown;
}

function following(trx: Trx, { table, key, last }: Reading, limit: number): Knex.QueryBuilder {
  const query = trx(table).orderBy(key).limit(limit);
  return last === null ? query : query.where(key, '>', last as number);
}

/** The columns of a table whose values may be of any length. */
async function textsOf(trx: Trx, table: string): Promise<string[]> {
  const columns = Object.entries(await trx(table).columnInfo());
  return columns.filter(([, { type }]) => /text|json|blob/i.test(type)).map(([name]) => name);
}

/** How many of the next rows one line takes. Their lengths are asked before them, so that what does not fit is never read. */
async function countThatFits(trx: Trx, reading: Reading, texts: readonly string[]): Promise<number> {
  const sum = texts.map(() => 'coalesce(length(??), 0)').join(' + ');
  const rows = (await following(trx, reading, LINE_ROWS).select(trx.raw(`${sum} as chars`, [...texts]))) as {
    chars: number | string;
  }[];
  let chars = 0;
  const end = rows.findIndex((row) => (chars += Number(row.chars)) > LINE_CHARS);
  return end === -1 ? LINE_ROWS : Math.max(1, end);
}

/** The lines, and a last one with the SHA-256 of them all. */
async function* summed(lines: AsyncGenerator<string>): AsyncGenerator<string> {
  const sum = createHash('sha256');
  for await (const line of lines) {
    sum.update(`${line}\n`);
    yield `${line}\n`;
  }
  yield `${JSON.stringify({ sha256: sum.digest('hex') })}\n`;
}
