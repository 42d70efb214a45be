import type { Knex } from 'knex';
import { isUniqueViolation } from './dialects.js';

/** Knex's own two tables, as Knex names and shapes them. */
export const MIGRATION_TABLE = 'knex_migrations';
export const LOCK_TABLE = 'knex_migrations_lock';

/**
 * Makes Knex's own tables where they are missing, safely beside other processes that do the same. Left to Knex, two that
 * start on an empty database fail on each other's CREATE TABLE, or put two rows into the lock, which then never opens.
 */
export async function ensureMigrationTables(db: Knex): Promise<void> {
  await ensureTable(db, MIGRATION_TABLE, (table) => {
    table.increments();
    table.string('name');
    table.integer('batch');
    table.timestamp('migration_time');
  });
  await ensureTable(db, LOCK_TABLE, (table) => {
    table.increments('index').primary();
    table.integer('is_locked');
  });
  const locks = (await db(LOCK_TABLE).orderBy('index').select('index', 'is_locked')) as LockRow[];
  const [first, ...others] = locks;
  if (first === undefined) await insertLock(db);
  // A knex command that raced us: while all of them are open, all but one are in the way.
  else if (others.length > 0 && locks.every((row) => !row.is_locked)) {
    await db(LOCK_TABLE).where('index', '>', first.index).delete();
  }
}

interface LockRow {
  index: number;
  is_locked: number;
}

/** True while somebody holds the lock, or died with it. */
export async function isMigrationLocked(db: Knex): Promise<boolean> {
  if (!(await db.schema.hasTable(LOCK_TABLE))) return false;
  return (await db(LOCK_TABLE).where('is_locked', 1).first()) !== undefined;
}

/** The names of the migrations that this database has gone through, oldest first. */
export async function appliedMigrations(db: Knex): Promise<string[]> {
  if (!(await db.schema.hasTable(MIGRATION_TABLE))) return [];
  return ((await db(MIGRATION_TABLE).orderBy('id').select('name')) as { name: string }[]).map((row) => row.name);
}

async function ensureTable(db: Knex, name: string, define: (table: Knex.CreateTableBuilder) => void): Promise<void> {
  if (await db.schema.hasTable(name)) return;
  try {
    await db.schema.createTable(name, define);
  } catch (error) {
    if (!(await db.schema.hasTable(name))) throw error;
  }
}

async function insertLock(db: Knex): Promise<void> {
  try {
    // With its number: a second process that does this too is refused instead of adding another row.
    await db(LOCK_TABLE).insert({ index: 1, is_locked: 0 });
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
  }
}
