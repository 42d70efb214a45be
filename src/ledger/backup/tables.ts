import { rowsOf, type Database, type Queryable } from '../database.js';

/** The names of all tables but Knex's own and SQLite's. */
export async function tableNames(kind: Database['kind'], db: Queryable): Promise<string[]> {
  const sql =
    kind === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
      : "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'";
  const names = rowsOf<{ name: string }>(await db.raw(sql)).map((row) => row.name);
  return names.filter((name) => !name.startsWith('knex_')).sort();
}
