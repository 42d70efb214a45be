import { inTransaction, type Database, type Trx } from '../database.js';
import { migrationSource } from '../migration-source.js';
import { appliedMigrations, ensureMigrationTables } from '../migration-tables.js';
import { migrate, migrationStatus, type MigrateOptions } from '../migrations.js';
import { insertRows } from '../stores/bulk.js';
import { BackupError, readBackup, type BackupHeader } from './file.js';
import { tableNames } from './tables.js';

/** True where no table holds a row. */
export async function isDatabaseEmpty(db: Database): Promise<boolean> {
  for (const table of await tableNames(db.kind, db.writer))
    if ((await db.writer(table).first()) !== undefined) return false;
  return true;
}

/** Throws BackupError where a newer version wrote the backup: this one would not know its tables. */
export async function checkRestorable({ migrations, version }: BackupHeader): Promise<void> {
  const known = await migrationSource.getMigrations([]);
  const unknown = migrations.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new BackupError(
      `the backup was written by version ${version}, whose tables this one does not know (${unknown[0] ?? ''}): install that version`,
    );
}

/**
 * Puts a verified backup in the place of all that the database holds: makes the tables as they were, loads the rows in one
 * transaction, then brings the tables to this version. Where loading fails, the database is left with empty tables.
 */
export async function loadBackup(
  db: Database,
  file: string,
  header: BackupHeader,
  options: MigrateOptions,
): Promise<void> {
  await makeTables(db, header.migrations);
  await inTransaction(db, (trx) => unreferenced(db, trx, () => loadRows(trx, file, header)));
  await migrate(db, options);
}

async function makeTables(db: Database, migrations: readonly string[]): Promise<void> {
  await migrationStatus(db);
  await ensureMigrationTables(db.writer);
  if ((await appliedMigrations(db.writer)).length > 0) {
    // Without rows first: a table that others refer to is not dropped.
    await inTransaction(db, (trx) => unreferenced(db, trx, () => deleteRows(db, trx)));
    await db.writer.migrate.rollback({ migrationSource }, true);
  }
  for (const name of migrations) await db.writer.migrate.up({ migrationSource, name } as { name: string });
}

async function deleteRows(db: Database, trx: Trx): Promise<void> {
  for (const table of await tableNames(db.kind, trx)) await trx(table).delete();
}

async function loadRows(trx: Trx, file: string, header: BackupHeader): Promise<void> {
  for await (const part of readBackup(file)) {
    if ('format' in part) continue;
    const columns = header.tables[part.table]?.columns ?? [];
    const rows = part.rows.map((row) => Object.fromEntries(columns.map((name, k) => [name, row[k] ?? null])));
    await insertRows(trx, part.table, rows);
  }
}

/** Tables come in the order of their names, so references are judged late: by SQLite at the commit, by MySQL not at all. */
async function unreferenced(db: Database, trx: Trx, work: () => Promise<void>): Promise<void> {
  await trx.raw(db.kind === 'sqlite' ? 'PRAGMA defer_foreign_keys = ON' : 'SET SESSION foreign_key_checks = 0');
  try {
    await work();
  } finally {
    if (db.kind === 'mysql') await trx.raw('SET SESSION foreign_key_checks = 1');
  }
}
