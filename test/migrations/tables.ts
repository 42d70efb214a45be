import { rowsOf, type Database } from '../../src/ledger/database.js';

/** The tables of docs/architecture.md. */
export const TABLES = [
  'agent_events',
  'agent_reports',
  'api_keys',
  'audit_log',
  'clusters',
  'evidence_conflicts',
  'findings',
  'gaps',
  'guest_changes',
  'guests',
  'identities',
  'journal_marks',
  'node_entries',
  'nodes',
  'pause_spans',
  'pauses',
  'polls',
  'recovery_codes',
  'rrd_marks',
  'second_factors',
  'segments',
  'session_corrections',
  'sessions',
  'settings',
  'spans',
  'tasks',
  'users',
  'web_logins',
];

/** Each table has a migration of its own; guests and spans have a second one, polls a third, nodes a fourth, for columns that came later. */
export const MIGRATION_COUNT = TABLES.length + 7;

/** The names of all tables but Knex's own two and SQLite's. */
export async function tablesOf(db: Database): Promise<string[]> {
  const sql =
    db.kind === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
      : 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()';
  const names = rowsOf<{ name: string }>(await db.reader.raw(sql)).map((row) => row.name);
  return names.filter((name) => !name.startsWith('knex_')).sort();
}
