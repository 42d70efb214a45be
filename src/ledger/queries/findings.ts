import type { Finding, FindingKind, Repair } from '../../core/finding.js';
import type { Queryable } from '../database.js';

export interface FindingView extends Finding {
  firstFoundAt: number;
}

interface FindingRow {
  finding_key: string;
  kind: FindingKind;
  guest_id: number;
  session_id: number | null;
  sentence: string;
  repair: string | null;
  first_found_at: number;
}

/** What the last run of the checker found and nobody settled since, by guest. */
export async function listFindings(db: Queryable): Promise<FindingView[]> {
  const rows = (await db('findings').orderBy(['guest_id', 'id'])) as FindingRow[];
  return rows.map(viewOf);
}

/** The finding with that key; null where there is none any more. */
export async function findingByKey(db: Queryable, key: string): Promise<FindingView | null> {
  const row = (await db('findings').where({ finding_key: key }).first()) as FindingRow | undefined;
  return row === undefined ? null : viewOf(row);
}

/** How many findings wait for a person. */
export async function countFindings(db: Queryable): Promise<number> {
  const row = (await db('findings').count('* as count').first()) as { count: number | string };
  return Number(row.count);
}

/** When the checker ran last and how many it found then; null where it never ran. */
export async function lastCheck(db: Queryable): Promise<{ at: number; count: number } | null> {
  const row = (await db('settings').where({ name: 'checks_ran_at' }).first('value')) as { value: string } | undefined;
  return row === undefined ? null : (JSON.parse(row.value) as { at: number; count: number });
}

function viewOf(row: FindingRow): FindingView {
  return {
    key: row.finding_key,
    kind: row.kind,
    guestId: row.guest_id,
    sessionId: row.session_id,
    sentence: row.sentence,
    repair: row.repair === null ? null : (JSON.parse(row.repair) as Repair),
    firstFoundAt: row.first_found_at,
  };
}
