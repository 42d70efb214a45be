import type { Database } from '../../src/ledger/database.js';

/** Where a fault strikes: before the statement reaches the database, or after it took effect and before that is known. */
export interface Strike {
  /** Counted from 0. */
  statement: number;
  when: 'before' | 'after';
}

interface SqliteHandle {
  exec(sql: string): void;
  prepare(sql: string): { run(...values: unknown[]): unknown; all(...values: unknown[]): unknown[] };
  close(): void;
}

interface MysqlConnection {
  query(...args: unknown[]): unknown;
  destroy(): void;
}

interface RawConnections {
  acquireRawConnection(): Promise<unknown>;
}

/** Counts the statements that the writer of a database sends, and lets one of them fail where that is asked for. */
export class StatementFaults {
  /** Statements since the last `arm`. */
  count = 0;
  /** The statement that was struck; null where none was yet. */
  struck: string | null = null;
  /** Told of each statement before it is sent. */
  onStatement: ((k: number) => void) | null = null;
  private strike: Strike | null = null;

  /** Counts anew; the next fault strikes the statement of that number, once. */
  arm(strike: Strike | null): void {
    this.strike = strike;
    this.struck = null;
    this.count = 0;
  }

  /** Watches all connections that the writer opens from now on; to be called before its first statement. */
  watch(db: Database): Database {
    const client = db.writer.client as RawConnections;
    const acquire = client.acquireRawConnection.bind(client);
    client.acquireRawConnection = async () => {
      const connection = await acquire();
      if (db.kind === 'sqlite') this.watchSqlite(connection as { handle: SqliteHandle });
      else this.watchMysql(connection as MysqlConnection);
      return connection;
    };
    return db;
  }

  /** At the driver itself: what lies above it sees an error as the driver throws it. */
  private watchSqlite(connection: { handle: SqliteHandle }): void {
    const { handle } = connection;
    // A process that dies loses nothing that it handed to the system: only a machine needs the disk's word.
    handle.exec('PRAGMA synchronous = OFF');
    const run = <T>(sql: string, work: () => T): T => {
      const struck = this.next(sql);
      if (struck === 'before') throw ioError();
      const result = work();
      if (struck === 'after') throw ioError();
      return result;
    };
    connection.handle = {
      exec: (sql) => run(sql, () => handle.exec(sql)),
      prepare: (sql) => {
        const statement = handle.prepare(sql);
        return {
          run: (...values) => run(sql, () => statement.run(...values)),
          all: (...values) => run(sql, () => statement.all(...values)),
        };
      },
      close: () => handle.close(),
    };
  }

  /** The connection breaks: the server rolls back what was not committed, and nobody hears what was. */
  private watchMysql(connection: MysqlConnection): void {
    const query = connection.query.bind(connection);
    connection.query = (...args) => {
      const [statement] = args as [string | { sql: string }];
      const struck = this.next(typeof statement === 'string' ? statement : statement.sql);
      if (struck === null) return query(...args);
      const done = args.at(-1) as (error: unknown) => void;
      const broken = (): void => {
        connection.destroy();
        done(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
      };
      if (struck === 'after') return query(...args.slice(0, -1), broken);
      setImmediate(broken);
      return undefined;
    };
  }

  private next(sql: string): Strike['when'] | null {
    const k = this.count;
    this.count += 1;
    this.onStatement?.(k);
    if (this.strike?.statement !== k) return null;
    this.struck = sql;
    return this.strike.when;
  }
}

/** What SQLite says of a disk that fails. */
function ioError(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 });
}
