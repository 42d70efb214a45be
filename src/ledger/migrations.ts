import { setTimeout as pause } from 'node:timers/promises';
import type { Log } from '../log.js';
import type { Database } from './database.js';
import { isRetryable } from './dialects.js';
import { migrationSource } from './migration-source.js';
import { appliedMigrations, ensureMigrationTables, isMigrationLocked, LOCK_TABLE } from './migration-tables.js';

export interface MigrateOptions {
  log: Log;
  /** How long another process may take before it is given up; 60 s. */
  waitMs?: number;
  /** How often the lock is looked at meanwhile; 250 ms. */
  pollMs?: number;
}

/** The database could not be brought to this version; the message is a sentence that tells the operator what to do. */
export class MigrationError extends Error {
  override name = 'MigrationError';
}

/**
 * Brings the database to this version and yields the names of what it applied: none where there was nothing to do, and
 * then no lock is taken either. Where another process is at it, waits for that. Throws MigrationError for a lock that is
 * not let go of, a migration that fails, and a database of a newer version.
 */
export async function migrate(db: Database, options: MigrateOptions): Promise<{ applied: string[] }> {
  const { log, waitMs = 60_000, pollMs = 250 } = options;
  const attempts = Math.max(1, Math.ceil(waitMs / pollMs));
  for (let attempt = 1; ; attempt++) {
    const outcome = await attemptLatest(db, log);
    if (outcome.kind === 'done') return { applied: outcome.applied };
    if (attempt === 1) log.info('another process is migrating the database: waiting for it', { database: db.label });
    if (attempt >= attempts) throw await waitedError(db, waitMs, outcome.error);
    await pause(pollMs);
  }
}

type Outcome = { kind: 'done'; applied: string[] } | { kind: 'wait'; error: unknown };

async function attemptLatest(db: Database, log: Log): Promise<Outcome> {
  try {
    const { pending } = await migrationStatus(db);
    if (pending.length === 0) return { kind: 'done', applied: [] };
    log.debug('migrating the database', { database: db.label, pending: pending.length });
    await ensureMigrationTables(db.writer);
    const [, applied] = (await db.writer.migrate.latest({ migrationSource })) as [number, string[]];
    return { kind: 'done', applied };
  } catch (error) {
    if (isLockError(error) || isRetryable(error)) return { kind: 'wait', error };
    throw error instanceof MigrationError ? error : await failedError(db, error);
  }
}

/** What this database has gone through, and what this version still has for it. Throws MigrationError for a database of a newer version. */
export async function migrationStatus(db: Database): Promise<{ applied: string[]; pending: string[] }> {
  const known = await migrationSource.getMigrations([]);
  const applied = await appliedMigrations(db.writer);
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new MigrationError(
      `the database ${db.label} was migrated by a newer version of proxmox-tracker (it holds ${unknown.join(', ')}): install that version, or restore a backup from before`,
    );
  }
  return { applied, pending: known.filter((name) => !applied.includes(name)) };
}

/** Frees a migration lock that a killed process left behind; yields whether there was one. Only for when no other process migrates. */
export async function unlockMigrations(db: Database): Promise<{ wasLocked: boolean }> {
  const wasLocked = await isMigrationLocked(db.writer);
  if (wasLocked) await db.writer.migrate.forceFreeMigrationsLock({ migrationSource });
  return { wasLocked };
}

function isLockError(error: unknown): boolean {
  return error instanceof Error && error.name === 'MigrationLocked';
}

async function waitedError(db: Database, waitMs: number, cause: unknown): Promise<MigrationError> {
  const waited = `for ${Math.round(waitMs / 1000)} s`;
  const sentence = (await isMigrationLocked(db.writer))
    ? `the migration lock (${LOCK_TABLE}) of ${db.label} has been held ${waited}: if no other process is migrating, one was killed while it did; free it with "proxmox-tracker migrate --unlock"`
    : `another process has kept the database ${db.label} busy ${waited}: stop it, then run "proxmox-tracker migrate" again`;
  return new MigrationError(sentence, { cause });
}

async function failedError(db: Database, error: unknown): Promise<MigrationError> {
  const reason = error instanceof Error ? error.message : String(error);
  const next = await migrationStatus(db).then(
    ({ pending }) => pending[0] ?? null,
    () => null,
  );
  const left = /already exists/i.test(reason)
    ? '; an interrupted run left that table behind: drop it if it is empty, then run "proxmox-tracker migrate" again'
    : '';
  return new MigrationError(`migration ${next ?? 'of the database'} failed on ${db.label}: ${reason}${left}`, {
    cause: error,
  });
}
