import { emptyProfile, lifeAt, type GuestProfile, type GuestState, type Life } from '../../core/guest.js';
import { changedAt, type ProfileChange } from '../../core/profile.js';
import type { Trx } from '../database.js';

/**
 * Makes the rows of the guest's incarnations what `after` says: new ones are inserted and get their id (put into the
 * returned lives), destroyed ones are marked, and what changed of the present one's profile is kept in guest_changes.
 */
export async function writeGuest(
  trx: Trx,
  clusterId: number,
  before: GuestState | null,
  after: GuestState,
  now: number,
): Promise<Life[]> {
  const lives: Life[] = [];
  for (const [k, life] of after.lives.entries()) {
    const isPresent = k === after.lives.length - 1;
    const known = before?.lives.find((one) => one.id === life.id) ?? null;
    if (life.id === null) lives.push({ ...life, id: await insertLife(trx, clusterId, after, life, isPresent, now) });
    else {
      const wasPresent = known !== null && known === before?.lives.at(-1);
      if (isPresent !== wasPresent || hasLifeChanged(known, life)) {
        const row = lifeRow(after, life, isPresent);
        if (row['current_vmid'] !== null) await freeVmid(trx, clusterId, after.vmid);
        await trx('guests').where({ id: life.id }).update(row);
      }
      lives.push(life);
    }
  }
  for (const gone of before?.lives ?? []) {
    if (!lives.some((life) => life.id === gone.id)) await mergeLife(trx, gone, lives);
  }
  if (before !== null && before.frozenAt !== after.frozenAt) {
    const ids = lives.flatMap((life) => (life.id === null ? [] : [life.id]));
    await trx('guests').whereIn('id', ids).update({ frozen_at: after.frozenAt });
  }
  const presentId = lives.at(-1)?.id ?? null;
  if (before !== null && presentId !== null && presentId === before.lives.at(-1)?.id) {
    await writeProfile(trx, presentId, before, after);
  }
  return lives;
}

/** Tables whose rows belong to an incarnation. */
const OWNED = [
  'spans',
  'sessions',
  'guest_changes',
  'evidence_conflicts',
  'session_corrections',
  'journal_marks',
  'rrd_marks',
  'agent_reports',
];

/** What was taken for an incarnation of its own was the one that goes on: all that is stored of it moves there. */
async function mergeLife(trx: Trx, gone: Life, lives: readonly Life[]): Promise<void> {
  const heir = lifeAt(lives, gone.firstSeenAt);
  if (gone.id === null || heir.id === null) return;
  for (const table of ['spans', 'sessions']) {
    await trx(table).where({ open_guest_id: gone.id }).update({ open_guest_id: heir.id });
  }
  for (const table of OWNED) await trx(table).where({ guest_id: gone.id }).update({ guest_id: heir.id });
  await trx('guests').where({ id: gone.id }).delete();
}

function hasLifeChanged(before: Life | null, after: Life): boolean {
  return (
    before?.life !== after.life ||
    before.destroyed?.earliest !== after.destroyed?.earliest ||
    before.destroyed?.latest !== after.destroyed?.latest ||
    (before.isDestroyedByConfig ?? false) !== (after.isDestroyedByConfig ?? false)
  );
}

function lifeRow(guest: GuestState, life: Life, isPresent: boolean): Record<string, unknown> {
  const { destroyed } = life;
  return {
    life: life.life,
    current_vmid: isPresent && destroyed === null ? guest.vmid : null,
    destroyed_at: destroyed?.latest ?? null,
    destroyed_earliest: destroyed?.earliest ?? null,
    destroyed_latest: destroyed?.latest ?? null,
    destroyed_evidence: destroyed === null ? null : life.isDestroyedByConfig === true ? 'config' : 'task',
  };
}

async function insertLife(
  trx: Trx,
  clusterId: number,
  guest: GuestState,
  life: Life,
  isPresent: boolean,
  now: number,
): Promise<number> {
  const row = lifeRow(guest, life, isPresent);
  if (row['current_vmid'] !== null) await freeVmid(trx, clusterId, guest.vmid);
  const profile = isPresent ? guest.profile : emptyProfile;
  const [id] = (await trx('guests').insert({
    cluster_id: clusterId,
    type: guest.type,
    vmid: guest.vmid,
    ...row,
    ...profileRow(profile),
    node_id: guest.nodeId,
    first_seen_at: life.firstSeenAt,
    frozen_at: guest.frozenAt,
    created_at: now,
  })) as number[];
  if (id === undefined) throw new Error('the database gave a new guest no id');
  return id;
}

/**
 * A VMID has one present bearer, so it is taken before it is given: from a life that is merged into the one before, or from a
 * VM whose end nobody logged and whose VMID is now a container's.
 */
async function freeVmid(trx: Trx, clusterId: number, vmid: number): Promise<void> {
  await trx('guests').where({ cluster_id: clusterId, current_vmid: vmid }).update({ current_vmid: null });
}

function profileRow(profile: GuestProfile): Record<string, unknown> {
  return {
    name: profile.name,
    cores: profile.cores,
    memory_bytes: profile.memoryBytes,
    tags: profile.tags,
    pool: profile.pool,
    is_template: profile.isTemplate ? 1 : 0,
  };
}

/** What changed in this poll is kept with its bounds; a new incarnation's profile is no change of the one before. */
async function writeProfile(trx: Trx, guestId: number, before: GuestState, after: GuestState): Promise<void> {
  const isSameProfile =
    before.profile === after.profile ||
    JSON.stringify(profileRow(before.profile)) === JSON.stringify(profileRow(after.profile));
  if (!isSameProfile || before.nodeId !== after.nodeId) {
    await trx('guests')
      .where({ id: guestId })
      .update({ ...profileRow(after.profile), node_id: after.nodeId });
  }
  const rows = after.changes.filter((change) => !before.changes.includes(change)).map((one) => changeRow(guestId, one));
  if (rows.length > 0) await trx('guest_changes').insert(rows);
}

function changeRow(guestId: number, change: ProfileChange): Record<string, unknown> {
  const text = (value: string | number | null): string | null => (value === null ? null : String(value));
  return {
    guest_id: guestId,
    at: changedAt(change),
    earliest: change.window.earliest,
    latest: change.window.latest,
    field: change.field,
    before_value: text(change.before),
    after_value: text(change.after),
  };
}
