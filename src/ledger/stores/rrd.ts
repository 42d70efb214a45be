import type { GuestState } from '../../core/guest.js';
import type { RrdMark } from '../../core/rrd.js';
import type { Queryable, Trx } from '../database.js';

interface StoredMark {
  guest_id: number;
  node_id: number;
  state: RrdMark['state'];
  stamp_s: number;
  step_s: number;
  ended_earliest: number;
  ended_latest: number;
}

/** Writes the bins of rrd data that `before` does not hold; none is ever changed. */
export async function writeRrd(
  trx: Trx,
  guestId: number,
  before: GuestState | null,
  after: GuestState,
  now: number,
): Promise<void> {
  if (after.rrd === undefined || after.rrd === before?.rrd) return;
  const known = new Set(before?.rrd ?? []);
  for (const mark of after.rrd) {
    if (known.has(mark)) continue;
    const { nodeId, state, stampS, stepS, ended } = mark;
    await trx('rrd_marks').insert({
      guest_id: guestId,
      node_id: nodeId,
      state,
      stamp_s: stampS,
      step_s: stepS,
      ended_earliest: ended.earliest,
      ended_latest: ended.latest,
      created_at: now,
    });
  }
}

/** The bins of a cluster's guests by guest id, oldest first. */
export async function loadRrd(db: Queryable, clusterId: number): Promise<Map<number, RrdMark[]>> {
  const ofCluster = db('guests').where({ cluster_id: clusterId }).select('id');
  const rows = (await db('rrd_marks').whereIn('guest_id', ofCluster).orderBy('stamp_s').orderBy('id')) as StoredMark[];
  const marks = new Map<number, RrdMark[]>();
  for (const row of rows) {
    const ended = { earliest: row.ended_earliest, latest: row.ended_latest };
    const mark = { nodeId: row.node_id, state: row.state, stampS: row.stamp_s, stepS: row.step_s, ended };
    marks.set(row.guest_id, [...(marks.get(row.guest_id) ?? []), mark]);
  }
  return marks;
}
