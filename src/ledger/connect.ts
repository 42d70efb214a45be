import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import type { Knex } from 'knex';
import type { DatabaseConfig } from '../config/config.js';
import type { Log } from '../log.js';
import { sqliteCode } from './dialects.js';
import { SqliteClient, type SqliteSettings } from './sqlite-client.js';
import { SqliteConnection } from './sqlite-connection.js';

export type SqliteConfig = Extract<DatabaseConfig, { type: 'sqlite' }>;
export type MysqlConfig = Extract<DatabaseConfig, { type: 'mysql' }>;

export interface ConnectOptions {
  /** How long a statement on SQLite may block the process while another process writes; 500 ms. */
  busyTimeoutMs?: number;
  /** Prepared statements kept per SQLite connection; 200. */
  statementLimit?: number;
  /** Takes what Knex has to say of itself; by default nobody, for Knex would say it on standard output. */
  log?: Log;
}

type Role = 'writer' | 'reader';

/** The database cannot be used; the message is a sentence that tells the operator what to do. */
export class DatabaseError extends Error {
  override name = 'DatabaseError';
}

/** The Knex config of one role on this database; knexfile.ts and openDatabase share it. */
export function knexConfig(config: DatabaseConfig, role: Role, options: ConnectOptions = {}): Knex.Config {
  // An error must not quote the values of its statement: password hashes are among them.
  const shared = { compileSqlOnError: false, log: knexLog(options.log) };
  return config.type === 'sqlite'
    ? { ...shared, ...sqliteConfig(config, role, options) }
    : { ...shared, ...mysqlConfig(config, role) };
}

function knexLog(log: Log | undefined): Knex.Logger {
  const say = (message: unknown): void => log?.debug(`knex: ${String(message)}`);
  return { debug: say, warn: say, error: say, deprecate: (method, instead) => say(`${method}: use ${instead}`) };
}

function sqliteConfig(config: SqliteConfig, role: Role, options: ConnectOptions): Knex.Config {
  const connection: SqliteSettings = {
    filename: config.file,
    isReadOnly: role === 'reader',
    busyTimeoutMs: options.busyTimeoutMs ?? 500,
    statementLimit: options.statementLimit,
  };
  return {
    client: SqliteClient,
    connection: connection as unknown as Knex.StaticConnectionConfig,
    useNullAsDefault: true,
    pool: role === 'writer' ? { min: 1, max: 1 } : { min: 0, max: 4 },
  };
}

function mysqlConfig(config: MysqlConfig, role: Role): Knex.Config {
  const { host, port, user, password, database } = config;
  return {
    client: 'mysql2',
    // No charset here: Knex would write it into every CREATE TABLE, over the database's own collation.
    connection: { host, port, user, password, database, timezone: 'Z', decimalNumbers: true, connectTimeout: 10_000 },
    pool: {
      min: 0,
      max: config.poolSize,
      afterCreate: (connection: MysqlSession, done: (error: unknown, connection: MysqlSession) => void) => {
        prepareSession(connection, role).then(
          () => done(null, connection),
          (error: unknown) => done(error, connection),
        );
      },
    },
  };
}

interface MysqlSession {
  query(sql: string, done: (error: unknown) => void): void;
}

/** Too long a text is an error on every server, a lock is waited for only briefly, and a reader cannot write. */
async function prepareSession(connection: MysqlSession, role: Role): Promise<void> {
  const run = promisify(connection.query.bind(connection)) as (sql: string) => Promise<unknown>;
  await run(
    "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), time_zone = '+00:00', innodb_lock_wait_timeout = 5",
  );
  if (role === 'reader') await run('SET SESSION TRANSACTION READ ONLY');
}

/** Makes the folder and the file of an SQLite database where they are missing; throws DatabaseError when it cannot be written. */
export function prepareSqliteFile(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
  } catch (error) {
    throw new DatabaseError(`database.file: the folder ${dirname(file)} cannot be made (${codeOf(error)})${MEND}`);
  }
  let connection: SqliteConnection | null = null;
  try {
    connection = new SqliteConnection(file, { isReadOnly: false });
    connection.all('BEGIN IMMEDIATE');
    connection.all('ROLLBACK');
  } catch (error) {
    const fault = sqliteFault(error, file);
    if (fault !== null) throw new DatabaseError(fault, { cause: error });
  } finally {
    connection?.close();
  }
}

const MEND = ': give the user that runs proxmox-tracker the right to write there, or name another file';

/** One sentence; null where another process merely writes at this moment. */
function sqliteFault(error: unknown, file: string): string | null {
  switch (sqliteCode(error)) {
    case 'busy':
      return null;
    case 'not_a_database':
      return `database.file: ${file} is not an SQLite database: name another file, or move that one away`;
    case 'read_only':
    case 'cannot_open':
      return `database.file: ${file} cannot be opened for writing${MEND}`;
    case 'other':
    case null:
      return `database.file: ${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** One sentence for a MySQL server that does not let us in; null for errors of another kind. Never the password. */
export function mysqlFault(error: unknown, config: MysqlConfig): string | null {
  const server = `the database server ${config.host}:${config.port}`;
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${server} does not answer: check database.host and database.port, and that it runs and listens there`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `database.host: ${config.host} is not a known name: check its spelling, or use an address`;
    case 'ER_ACCESS_DENIED_ERROR':
      return `${server} refused the user "${config.user}": check database.user and database.password`;
    case 'ER_DBACCESS_DENIED_ERROR':
      return `the user "${config.user}" may not use the database "${config.database}": GRANT ALL ON ${config.database}.* TO it`;
    case 'ER_BAD_DB_ERROR':
      return `${server} holds no database "${config.database}": CREATE DATABASE ${config.database} CHARACTER SET utf8mb4`;
    default:
      return null;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
