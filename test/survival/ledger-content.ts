import type { Database } from '../../src/ledger/database.js';

/** All that polls wrote: sorted lines a table. */
export type LedgerContent = Record<string, string[]>;

type Row = Record<string, unknown>;

/** Every table that polls write, and the columns that name rows of others. */
const TABLES: Record<string, Record<string, string>> = {
  clusters: {},
  nodes: { cluster_id: 'clusters' },
  polls: { node_id: 'nodes' },
  guests: { cluster_id: 'clusters', node_id: 'nodes' },
  guest_changes: { guest_id: 'guests' },
  identities: { cluster_id: 'clusters', node_id: 'nodes' },
  spans: { guest_id: 'guests', open_guest_id: 'guests', node_id: 'nodes' },
  pause_spans: { span_id: 'spans' },
  tasks: { cluster_id: 'clusters', node_id: 'nodes' },
  journal_marks: { guest_id: 'guests', node_id: 'nodes' },
  rrd_marks: { guest_id: 'guests', node_id: 'nodes' },
  sessions: { guest_id: 'guests', open_guest_id: 'guests', node_id: 'nodes' },
  segments: { session_id: 'sessions', node_id: 'nodes' },
  pauses: { session_id: 'sessions', open_session_id: 'sessions' },
  gaps: { cluster_id: 'clusters', node_id: 'nodes', open_node_id: 'nodes' },
  evidence_conflicts: { guest_id: 'guests', session_id: 'sessions' },
};

/** By what a row is called where others refer to it: never by its id, which a roll-back may use up. */
const NAMES: Record<string, (row: Row, names: Names) => string> = {
  clusters: (row) => String(row['cluster_key']),
  nodes: (row) => String(row['name']),
  guests: (row, names) => `${of(names, 'clusters', row['cluster_id'])} ${text(row, 'type', 'vmid', 'life')}`,
  spans: (row, names) => `${of(names, 'guests', row['guest_id'])} seen from ${text(row, 'first_sent')}`,
  sessions: (row, names) => `${of(names, 'guests', row['guest_id'])} from ${text(row, 'start_at', 'end_at')}`,
};

type Names = Map<string, Map<unknown, string>>;

/**
 * All that polls wrote, row by row and column by column, as sorted lines a table. Left out are ids, for which the names of rows
 * stand where others refer to them, and the clusters' revision: both also count what was tried in vain.
 */
export async function ledgerContent(db: Database): Promise<LedgerContent> {
  const names: Names = new Map();
  const content: LedgerContent = {};
  for (const [table, references] of Object.entries(TABLES)) {
    const rows = (await db.writer(table)) as Row[];
    const nameOf = NAMES[table];
    if (nameOf !== undefined) names.set(table, new Map(rows.map((row) => [row['id'], nameOf(row, names)])));
    content[table] = rows.map((row) => lineOf(row, references, names)).sort();
  }
  return content;
}

/** Takes all rows out again, which is quicker than another database. */
export async function emptyLedger(db: Database): Promise<void> {
  for (const table of Object.keys(TABLES).toReversed()) await db.writer(table).delete();
}

/** The lines that only one of them holds, told as `- spans {...}` where the ledger lacks one and `+ spans {...}` where it holds one too many. */
export function differences(content: LedgerContent, expected: LedgerContent): string[] {
  return Object.keys(TABLES).flatMap((table) => {
    const [own, other] = [content[table] ?? [], expected[table] ?? []];
    return [
      ...other.filter((line, k) => line !== own[k] && !own.includes(line)).map((line) => `- ${table} ${line}`),
      ...own.filter((line, k) => line !== other[k] && !other.includes(line)).map((line) => `+ ${table} ${line}`),
      ...(own.length === other.length ? [] : [`${own.length} rows of ${table} instead of ${other.length}`]),
    ];
  });
}

function lineOf(row: Row, references: Record<string, string>, names: Names): string {
  const told = Object.entries(row).flatMap(([column, value]) => {
    if (column === 'id' || column === 'revision') return [];
    // A change of node names both by their ids, as text.
    const isNode = row['field'] === 'node' && column.endsWith('_value') && value !== null;
    if (isNode) return [[column, of(names, 'nodes', Number(value))]];
    const table = references[column];
    return [[column, table === undefined || value === null ? value : of(names, table, value)]];
  });
  return JSON.stringify(Object.fromEntries(told));
}

function of(names: Names, table: string, id: unknown): string {
  return names.get(table)?.get(id) ?? `${table} ${String(id)}`;
}

function text(row: Row, ...columns: string[]): string {
  return columns.map((column) => String(row[column])).join(' ');
}
