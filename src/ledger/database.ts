import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import knex, { type Knex } from 'knex';
import type { DatabaseConfig } from '../config/config.js';
import { DatabaseError, knexConfig, mysqlFault, prepareSqliteFile, type ConnectOptions } from './connect.js';
import { isRetryable } from './dialects.js';

export { DatabaseError } from './connect.js';
export { isRetryable, isUniqueViolation, rowsOf } from './dialects.js';

export type Trx = Knex.Transaction;
export type Queryable = Knex | Trx;

/**
 * An open database. Everything that writes goes through `writer`, inside inTransaction where it is more than one
 * statement; pages and queries read through `reader`, which cannot write and never waits for a writer.
 */
export interface Database {
  kind: 'sqlite' | 'mysql';
  writer: Knex;
  reader: Knex;
  /** Where it lies, for messages: a file, or host, port and database; never a credential. */
  label: string;
  /** Resolves when every connection is closed. */
  close(): Promise<void>;
}

const MAX_ATTEMPTS = 8;

/**
 * Opens the database of the config; connections are made as they are needed. An SQLite file and its folder are made at
 * once, and DatabaseError says what is wrong with them; a MySQL server is first spoken to by checkConnection.
 */
export function openDatabase(config: DatabaseConfig, options: ConnectOptions = {}): Database {
  const isMemory = config.type === 'sqlite' && config.file === ':memory:';
  if (config.type === 'sqlite' && !isMemory) prepareSqliteFile(config.file);
  const writer = knex(knexConfig(config, 'writer', options));
  // A database in memory belongs to its one connection.
  const reader = isMemory ? writer : knex(knexConfig(config, 'reader', options));
  return {
    kind: config.type,
    writer,
    reader,
    label: config.type === 'sqlite' ? config.file : `${config.host}:${config.port}/${config.database}`,
    close: async () => {
      // The writer last: the last connection that closes folds SQLite's log back into the file, which a reader cannot.
      if (reader !== writer) await reader.destroy();
      await writer.destroy();
    },
  };
}

/** Asks the database one question; throws DatabaseError with a sentence for the operator when it does not answer. */
export async function checkConnection(db: Database, config: DatabaseConfig): Promise<void> {
  try {
    await db.writer.raw('SELECT 1');
  } catch (error) {
    const fault = config.type === 'mysql' ? mysqlFault(error, config) : null;
    throw new DatabaseError(fault ?? `the database ${db.label} does not answer: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Runs `work` in one transaction of the writer and commits it, or rolls back and rejects with what `work` threw. Where the
 * database asks for it (a deadlock, a lock held too long, a failed certification at COMMIT, SQLite busy) the whole of
 * `work` runs again, at most eight times in all: it must depend on nothing but what it reads inside. It must use `trx`
 * for every query (SQLite has one writing connection: another query would wait for ever) and await no network.
 */
export async function inTransaction<T>(db: Pick<Database, 'writer'>, work: (trx: Trx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.writer.transaction(work);
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !isRetryable(error)) throw error;
      await pause(pauseMs(attempt));
    }
  }
}

/** Doubling from 5 ms to half a second, spread so that two that collided do not collide again. */
function pauseMs(attempt: number): number {
  return Math.min(500, 5 * 2 ** attempt) * (randomInt(500, 1000) / 1000);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
