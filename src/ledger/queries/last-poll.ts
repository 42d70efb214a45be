import type { Queryable } from '../database.js';

/** When the newest poll of any node ended, by the clock of the manager that wrote it; null where none did or there are no tables. */
export async function lastPollAt(db: Queryable): Promise<number | null> {
  if (!(await db.schema.hasTable('polls'))) return null;
  const row = (await db('polls').orderBy('id', 'desc').first('finished_at')) as { finished_at: number } | undefined;
  return row?.finished_at ?? null;
}
