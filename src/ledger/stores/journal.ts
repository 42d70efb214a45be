import type { GuestState } from '../../core/guest.js';
import type { JournalMark } from '../../core/journal.js';
import type { Queryable, Trx } from '../database.js';

interface StoredMark {
  guest_id: number;
  node_id: number;
  mark: JournalMark['mark'];
  stamp_s: number;
  written_earliest: number;
  written_latest: number;
}

/** Writes the marks of the journal that `before` does not hold; none is ever changed. */
export async function writeMarks(
  trx: Trx,
  guestId: number,
  before: GuestState | null,
  after: GuestState,
  now: number,
): Promise<void> {
  const known = new Set(before?.journal ?? []);
  const fresh = (after.journal ?? []).filter((mark) => !known.has(mark));
  for (const { nodeId, mark, stampS, written } of fresh) {
    await trx('journal_marks').insert({
      guest_id: guestId,
      node_id: nodeId,
      mark,
      stamp_s: stampS,
      written_earliest: written.earliest,
      written_latest: written.latest,
      created_at: now,
    });
  }
}

/** The marks of a cluster's guests since each was frozen, by guest id, oldest first. */
export async function loadMarks(db: Queryable, clusterId: number): Promise<Map<number, JournalMark[]>> {
  const rows = (await db('guests as g')
    .join('journal_marks as m', 'm.guest_id', 'g.id')
    .where({ 'g.cluster_id': clusterId })
    .whereRaw('m.written_latest >= coalesce(g.frozen_at, 0)')
    .orderBy('m.stamp_s')
    .orderBy('m.id')
    .select('m.*')) as StoredMark[];
  const marks = new Map<number, JournalMark[]>();
  for (const row of rows) {
    const written = { earliest: row.written_earliest, latest: row.written_latest };
    const mark: JournalMark = { nodeId: row.node_id, mark: row.mark, stampS: row.stamp_s, written };
    marks.set(row.guest_id, [...(marks.get(row.guest_id) ?? []), mark]);
  }
  return marks;
}
