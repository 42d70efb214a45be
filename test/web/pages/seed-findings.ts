import type { Database } from '../../../src/ledger/database.js';
import { HOUR } from './seed-plan.js';

/** Lets two sessions of vGPU-2 overlap by an hour, and two pieces of evidence exclude each other; yields the overlap's key. */
export async function seedFindings(db: Database): Promise<{ overlap: string; conflict: string }> {
  const guest = (await db.writer('guests').where({ vmid: 107 }).first('id')) as { id: number };
  const [first, second] = (await db.writer('sessions').where({ guest_id: guest.id }).orderBy('start_at').limit(2)) as {
    id: number;
    start_at: number;
  }[];
  if (first === undefined || second === undefined) throw new Error('the seed has too few sessions');
  const end = second.start_at + HOUR;
  await db.writer('sessions').where({ id: first.id }).update({ end_at: end, end_earliest: end, end_latest: end });
  await db.writer('segments').where({ session_id: first.id }).update({ ended_at: end });
  const conflict = { guest_id: guest.id, edge: 'end', kept: 'a sample of running', set_aside: 'task UPID:<x>' };
  const [id] = (await db.writer('evidence_conflicts').insert({ ...conflict, created_at: end })) as number[];
  return { overlap: `overlap-${first.id}-${second.id}`, conflict: `conflict-${String(id)}` };
}
