// The parts of Knex's own SQLite dialect that ours is built on; Knex ships no types for them.

declare module 'knex/lib/dialects/sqlite3/index.js' {
  import type { Knex } from 'knex';

  export interface DialectQuery {
    sql: string;
    method: string;
    bindings?: readonly unknown[];
    returning?: unknown;
    response?: unknown;
    context?: { lastID: number; changes: number };
  }

  export default class SqliteDialect extends Knex.Client {
    transaction(...args: unknown[]): Knex.Transaction;
    _driver(): unknown;
    _query(connection: unknown, query: DialectQuery): Promise<DialectQuery>;
  }
}

declare module 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js' {
  export default class SqliteTransaction {
    constructor(client: unknown, ...args: unknown[]);
    trxClient: { query(connection: unknown, sql: string): Promise<unknown> };
    begin(connection: unknown): Promise<unknown>;
  }
}
