import type { ClusterState, GuestChange, PollChange } from '../../core/reconcile.js';
import type { Trx } from '../database.js';
import { writeReports } from './agents.js';
import { writeSpans, writeTasks } from './facts.js';
import { writeGap } from './gaps.js';
import { writeGuest } from './guests.js';
import { writeMarks } from './journal.js';
import { writeIdentities, writeIdentityOf } from './identities.js';
import { writeDifference, type SessionDifference } from './sessions.js';

export interface WrittenGuest {
  change: GuestChange;
  difference: SessionDifference;
}

/**
 * Writes what a poll changed, facts and what derives from them together, inside the caller's transaction; the change then
 * carries the ids of the new rows, ready for `commit`. The poll's own row is written by writePolls.
 */
export async function writeChange(
  trx: Trx,
  clusterId: number,
  state: ClusterState,
  change: PollChange,
  now: number,
): Promise<WrittenGuest[]> {
  const before = state.nodes.get(change.node.id);
  await writeTasks(trx, clusterId, before?.tasks ?? [], change.node.tasks, now);
  const written: WrittenGuest[] = [];
  for (const guest of change.guests) written.push(await writeGuestChange(trx, clusterId, guest, now));
  await writeIdentities(trx, clusterId, change.identities, now);
  await writeGap(trx, clusterId, change.gap);
  return written;
}

/** Writes one guest's facts with what derives from them; the change then carries the ids of new rows. */
export async function writeGuestChange(
  trx: Trx,
  clusterId: number,
  change: GuestChange,
  now: number,
): Promise<WrittenGuest> {
  const { before, after } = change;
  after.lives = await writeGuest(trx, clusterId, before, after, now);
  const presentId = after.lives.at(-1)?.id ?? null;
  if (presentId === null) throw new Error(`${change.key} has no stored incarnation`);
  await writeTasks(trx, clusterId, before?.tasks ?? [], after.tasks, now);
  after.spans = await writeSpans(trx, before, after);
  await writeIdentityOf(trx, before, after);
  await writeMarks(trx, presentId, before, after, now);
  if (after.reports !== undefined) after.reports = await writeReports(trx, presentId, before, after, now);
  const difference = await writeDifference(trx, after, before, change.derived.sessions, now);
  after.sessions = difference.sessions;
  for (const conflict of change.derived.conflicts) await writeConflict(trx, presentId, conflict, now);
  return { change, difference };
}

async function writeConflict(
  trx: Trx,
  guestId: number,
  conflict: GuestChange['derived']['conflicts'][number],
  now: number,
): Promise<void> {
  const row = { guest_id: guestId, edge: conflict.edge, kept: conflict.kept, set_aside: conflict.setAside };
  // The same contradiction is found again at each derive: it is kept once.
  if ((await trx('evidence_conflicts').where(row).first('id')) !== undefined) return;
  await trx('evidence_conflicts').insert({ ...row, session_id: null, created_at: now });
}
