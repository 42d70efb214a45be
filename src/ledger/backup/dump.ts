import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Database, Trx } from '../database.js';
import { appliedMigrations } from '../migration-tables.js';
import { BackupError, FORMAT, type BackupHeader } from './file.js';
import { tableNames } from './tables.js';

const CHUNK_ROWS = 500;

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
  // SQLite's and InnoDB's readers both see what was there at their first read, to the end of their transaction.
  const level = db.kind === 'mysql' ? ({ isolationLevel: 'repeatable read' } as const) : {};
  const header = await db.reader.transaction(async (trx) => {
    const head = await headerOf(db, trx, version, now);
    const target = createWriteStream(part, { flags: 'wx', mode: 0o600 });
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
  await rename(part, file);
  return header;
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
  for (const [table, { columns }] of Object.entries(header.tables)) {
    const key = columns.includes('id') ? 'id' : (columns[0] ?? '');
    let last: unknown = null;
    for (;;) {
      const query = trx(table).select(columns).orderBy(key).limit(CHUNK_ROWS);
      if (last !== null) void query.where(key, '>', last as number);
      const rows = (await query) as Record<string, unknown>[];
      if (rows.length > 0) yield JSON.stringify({ table, rows: rows.map((row) => columns.map((name) => row[name])) });
      if (rows.length < CHUNK_ROWS) break;
      last = rows.at(-1)?.[key];
    }
  }
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
