import { createRequire } from 'node:module';

/** The slice of the node:sqlite API that is used here; the built-in module and the package offer the same. */
interface SqliteStatement {
  run(...values: SqliteValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  all(...values: SqliteValue[]): unknown[];
}

interface SqliteHandle {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

type SqliteValue = string | number | bigint | null | Uint8Array;

interface SqliteModule {
  DatabaseSync: new (file: string, options: { readOnly: boolean }) => SqliteHandle;
}

/** What a statement that yields no rows did. */
export interface SqliteOutcome {
  changes: number;
  lastInsertRowid: number;
}

const DEFAULT_STATEMENT_LIMIT = 200;
const CACHED = /^\s*(?:select|insert|update|delete|replace|with)\b/i;
const ROWLESS = /^\s*(?:begin|commit|rollback|savepoint|release|create|alter|drop)\b/i;
const CHANGES_SCHEMA = /^\s*(?:create|alter|drop|pragma|vacuum|attach|detach)\b/i;

/**
 * One open SQLite database: its prepared statements are kept (least recently used first out), because compiling is half
 * of the work and because statements that are only dropped grow the process until the event loop turns. Throws on values
 * that the driver would store as something else. Everything here is synchronous.
 */
export class SqliteConnection {
  readonly isReadOnly: boolean;
  private readonly handle: SqliteHandle;
  private readonly statements = new Map<string, SqliteStatement>();
  private readonly statementLimit: number;

  constructor(file: string, options: { isReadOnly: boolean; statementLimit?: number | undefined }) {
    this.isReadOnly = options.isReadOnly;
    this.statementLimit = options.statementLimit ?? DEFAULT_STATEMENT_LIMIT;
    this.handle = new (sqliteModule().DatabaseSync)(file, { readOnly: options.isReadOnly });
  }

  /** The statements that are held prepared, the one used longest ago first. */
  get keptStatements(): string[] {
    return [...this.statements.keys()];
  }

  /** Runs one statement and yields its rows, none for a statement that yields none. */
  all(sql: string, bindings: readonly unknown[] = []): unknown[] {
    if (ROWLESS.test(sql)) return this.execute(sql);
    return this.statement(sql).all(...bindings.map(bindable));
  }

  /** Runs one statement and yields what it changed. */
  run(sql: string, bindings: readonly unknown[] = []): SqliteOutcome {
    const { changes, lastInsertRowid } = this.statement(sql).run(...bindings.map(bindable));
    return { changes: Number(changes), lastInsertRowid: Number(lastInsertRowid) };
  }

  /** All that was written lies in the file itself afterwards, where no other process still reads from the log beside it. */
  close(): void {
    this.statements.clear();
    // The package keeps a closed database, and with it the log, until its statements are collected.
    if (!this.isReadOnly) this.attempt('PRAGMA wal_checkpoint(TRUNCATE)');
    this.handle.close();
  }

  private execute(sql: string): [] {
    if (CHANGES_SCHEMA.test(sql)) this.statements.clear();
    try {
      this.handle.exec(sql);
    } catch (error) {
      // A refused COMMIT or ROLLBACK leaves the transaction open; the next borrower of this connection must not land in it.
      if (/^\s*(?:begin|commit|rollback)\b(?!\s+to\b)/i.test(sql)) this.attempt('ROLLBACK');
      throw error;
    }
    return [];
  }

  private attempt(sql: string): void {
    try {
      this.handle.exec(sql);
    } catch {
      // Refused because there is nothing to do, or another process is in the way: then it is done later.
    }
  }

  private statement(sql: string): SqliteStatement {
    const kept = this.statements.get(sql);
    if (kept !== undefined) {
      this.statements.delete(sql);
      this.statements.set(sql, kept);
      return kept;
    }
    if (CHANGES_SCHEMA.test(sql)) this.statements.clear();
    const statement = this.handle.prepare(sql);
    if (CACHED.test(sql) && this.statementLimit > 0) {
      if (this.statements.size >= this.statementLimit) this.forgetOldest();
      this.statements.set(sql, statement);
    }
    return statement;
  }

  private forgetOldest(): void {
    for (const sql of this.statements.keys()) {
      this.statements.delete(sql);
      return;
    }
  }
}

/** The value as SQLite stores it: booleans as 0 or 1, a Date as its epoch ms. Throws a TypeError for anything that would be stored as something else. */
export function bindable(value: unknown): SqliteValue {
  if (typeof value === 'string' || typeof value === 'bigint' || value === null) return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Uint8Array) return value;
  const number = value instanceof Date ? value.getTime() : value;
  if (typeof number !== 'number')
    throw new TypeError(`a value of type ${typeof value} cannot be stored in the database`);
  if (!Number.isFinite(number)) throw new TypeError(`${String(number)} cannot be stored in the database`);
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) {
    throw new TypeError('an integer beyond 2^53 cannot be stored in the database without loss');
  }
  return number;
}

let loaded: SqliteModule | null = null;

/** The module built into Node where there is one (22.13 and later), the package with the same API else. */
function sqliteModule(): SqliteModule {
  loaded ??= builtInModule() ?? (createRequire(import.meta.url)('@photostructure/sqlite') as SqliteModule);
  return loaded;
}

function builtInModule(): SqliteModule | null {
  // Node announces at each start that its module may still change; operators can do nothing with that line.
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return (process.getBuiltinModule('node:sqlite') as SqliteModule | undefined) ?? null;
  } finally {
    process.emitWarning = emitWarning;
  }
}
