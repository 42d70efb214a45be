import { setTimeout as pause } from 'node:timers/promises';
import SqliteDialect, { type DialectQuery } from 'knex/lib/dialects/sqlite3/index.js';
import SqliteTransaction from 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js';
import { sqliteCode } from './dialects.js';
import { SqliteConnection } from './sqlite-connection.js';

/** The `connection` of a Knex config that uses SqliteClient. */
export interface SqliteSettings {
  filename: string;
  isReadOnly: boolean;
  busyTimeoutMs: number;
  /** How many prepared statements a connection keeps; 0: none. */
  statementLimit?: number | undefined;
}

const ROWLESS_METHODS = new Set(['insert', 'update', 'counter', 'del']);
const WAL_ATTEMPTS = 100;

/**
 * Knex's SQLite dialect over the node:sqlite API. No class fields: Knex makes a transaction's client from the prototype
 * alone, without running a constructor.
 */
export class SqliteClient extends SqliteDialect {
  override _driver(): unknown {
    return SqliteConnection;
  }

  override transaction(...args: unknown[]): ReturnType<SqliteDialect['transaction']> {
    return new ImmediateTransaction(this, ...args) as unknown as ReturnType<SqliteDialect['transaction']>;
  }

  override async acquireRawConnection(): Promise<SqliteConnection> {
    const settings = this.connectionSettings as SqliteSettings;
    const connection = new SqliteConnection(settings.filename, settings);
    try {
      connection.all(`PRAGMA busy_timeout = ${settings.busyTimeoutMs}`);
      connection.all('PRAGMA foreign_keys = ON');
      if (!settings.isReadOnly) await prepareWriter(connection);
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  override destroyRawConnection(connection: SqliteConnection): Promise<void> {
    connection.close();
    return Promise.resolve();
  }

  override _query(connection: SqliteConnection, query: DialectQuery): Promise<DialectQuery> {
    // The driver is synchronous: a thrown error must still become a rejection.
    return new Promise((resolve) => {
      const { sql, bindings } = query;
      if (ROWLESS_METHODS.has(query.method) && !query.returning) {
        const { changes, lastInsertRowid } = connection.run(sql, bindings);
        query.context = { changes, lastID: lastInsertRowid };
      } else {
        query.response = connection.all(sql, bindings);
      }
      resolve(query);
    });
  }
}

/** Takes the write lock at BEGIN, so that a transaction never finds out half-way that another writes. */
class ImmediateTransaction extends SqliteTransaction {
  // Without Knex's own way of running BEGIN: after a refused one it would still start the work.
  override begin(connection: SqliteConnection): Promise<unknown> {
    return this.trxClient.query(connection, connection.isReadOnly ? 'BEGIN;' : 'BEGIN IMMEDIATE;');
  }
}

/** Durable after every commit (synchronous=FULL), readers beside the writer (WAL), and a log file that shrinks again. */
async function prepareWriter(connection: SqliteConnection): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      connection.all('PRAGMA journal_mode = WAL');
      break;
    } catch (error) {
      // SQLite does not wait for others when it changes the journal's mode.
      if (sqliteCode(error) !== 'busy' || attempt === WAL_ATTEMPTS) throw error;
      await pause(50);
    }
  }
  connection.all('PRAGMA synchronous = FULL');
  connection.all(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
}
