import type { Knex } from 'knex';

/** Where SQLite and MySQL/MariaDB differ in what they are asked and what they answer. */

const MYSQL_UNIQUE = 1062;
/**
 * Deadlock, lock wait timeout, "record has changed since last read" (MariaDB's snapshot isolation), and the roll-back that
 * group replication orders during a commit. Galera's failed certification is told as a deadlock.
 */
const MYSQL_RETRYABLE: readonly number[] = [1213, 1205, 1020, 3101];
const SQLITE_UNIQUE: readonly number[] = [2067, 1555];

type SqliteCode = 'busy' | 'read_only' | 'cannot_open' | 'not_a_database' | 'other';

/** What kind of refusal an error of SQLite is; null for errors of anything else. */
export function sqliteCode(error: unknown): SqliteCode | null {
  const code = numberOf(error, 'errcode');
  if (code === null) return null;
  switch (code & 0xff) {
    case 5:
    case 6:
      return 'busy';
    case 8:
      return 'read_only';
    case 14:
      return 'cannot_open';
    case 26:
      return 'not_a_database';
    default:
      return 'other';
  }
}

/** True when a row was refused because its unique or primary key is taken. */
export function isUniqueViolation(error: unknown): boolean {
  const sqlite = numberOf(error, 'errcode');
  return sqlite === null ? numberOf(error, 'errno') === MYSQL_UNIQUE : SQLITE_UNIQUE.includes(sqlite);
}

/** True when the whole transaction may succeed if it is run again; nothing of it was written. */
export function isRetryable(error: unknown): boolean {
  if (sqliteCode(error) !== null) return sqliteCode(error) === 'busy';
  return MYSQL_RETRYABLE.includes(numberOf(error, 'errno') ?? 0);
}

/** The rows of a `raw()` query: mysql2 answers them beside the fields, SQLite alone. A statement without rows yields none. */
export function rowsOf<T = Record<string, unknown>>(rawResult: unknown): T[] {
  if (!Array.isArray(rawResult)) return [];
  const [first] = rawResult as unknown[];
  if (Array.isArray(first)) return first as T[];
  const isHeader = typeof first === 'object' && first !== null && 'affectedRows' in first;
  return isHeader ? [] : (rawResult as T[]);
}

/** What follows an INSERT so that a row whose unique `key` is stored already gets these columns instead of being refused. */
export function upsertClause(db: Knex, key: string, columns: readonly string[]): string {
  const isSqlite = (db.client as { dialect: string }).dialect === 'sqlite3';
  const values = columns.map((name) => `\`${name}\` = ${isSqlite ? `excluded.\`${name}\`` : `values(\`${name}\`)`}`);
  return ` ${isSqlite ? `on conflict (\`${key}\`) do update set` : 'on duplicate key update'} ${values.join(', ')}`;
}

function numberOf(error: unknown, key: 'errcode' | 'errno'): number | null {
  if (typeof error !== 'object' || error === null) return null;
  const value = (error as Record<string, unknown>)[key];
  return typeof value === 'number' ? value : null;
}
