import type { ClusterState, GuestChange, PollChange } from '../../core/reconcile.js';
import type { GuestState } from '../../core/guest.js';
import type { Trx } from '../database.js';
import { writeReports, type ReportChange } from './agents.js';
import { writeSpans, writeTasks, type TaskChange } from './facts.js';
import { writeGap } from './gaps.js';
import { writeGuest } from './guests.js';
import { writeMarks } from './journal.js';
import { writeIdentities, writeIdentityOf } from './identities.js';
import { writeRrd } from './rrd.js';
import { writeDifferences, type DerivedGuest, type SessionDifference } from './sessions.js';

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
  const { guests, node } = change;
  const ofNode = { before: state.nodes.get(node.id)?.tasks ?? [], after: node.tasks };
  const written = await writeGuests(trx, clusterId, guests, now, [ofNode]);
  await writeIdentities(trx, clusterId, change.identities, now);
  await writeGap(trx, clusterId, change.gap);
  return written;
}

/** Writes guests' facts, and the tasks of nodes given, with what derives from them; the changes then carry the ids of new rows. */
export async function writeGuests(
  trx: Trx,
  clusterId: number,
  guests: readonly GuestChange[],
  now: number,
  ofNodes: readonly TaskChange[] = [],
): Promise<WrittenGuest[]> {
  for (const { before, after } of guests) after.lives = await writeGuest(trx, clusterId, before, after, now);
  const ofGuests = guests.map(({ before, after }) => ({ before: before?.tasks ?? [], after: after.tasks }));
  await writeTasks(trx, clusterId, [...ofNodes, ...ofGuests], now);
  for (const [k, spans] of (await writeSpans(trx, guests)).entries()) {
    const after = guests[k]?.after;
    if (after !== undefined) after.spans = spans;
  }
  const differences = await writeDifferences(trx, guests.map(derivedOf), now);
  const written: WrittenGuest[] = [];
  for (const [k, guest] of guests.entries()) {
    const difference = differences[k];
    if (difference === undefined) throw new Error(`the sessions of ${guest.key} were not written`);
    guest.after.sessions = difference.sessions;
    await writeRest(trx, guest, now);
    written.push({ change: guest, difference });
  }
  await writeReports(trx, guests.map(reportsOf), now);
  return written;
}

function derivedOf({ before, after, derived }: GuestChange): DerivedGuest {
  return { guest: after, before, derived: derived.sessions };
}

function reportsOf({ key, before, after }: GuestChange): ReportChange {
  return { guestId: presentIdOf(key, after), before, after };
}

function presentIdOf(key: string, { lives }: GuestState): number {
  const presentId = lives.at(-1)?.id ?? null;
  if (presentId === null) throw new Error(`${key} has no stored incarnation`);
  return presentId;
}

/** What is seldom new of a guest. */
async function writeRest(trx: Trx, { key, before, after, derived }: GuestChange, now: number): Promise<void> {
  const presentId = presentIdOf(key, after);
  await writeIdentityOf(trx, before, after);
  await writeMarks(trx, presentId, before, after, now);
  await writeRrd(trx, presentId, before, after, now);
  for (const conflict of derived.conflicts) await writeConflict(trx, presentId, conflict, now);
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
