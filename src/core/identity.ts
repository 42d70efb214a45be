import type { GuestState } from './guest.js';
import type { GuestIdentity, GuestType } from './observation.js';
import type { ProfileChange } from './profile.js';
import type { Task } from './task.js';
import type { Window } from './window.js';

/** What was learned about who a guest is, beside its samples and tasks (ledger rules 18 and 19). */
export type IdentityFact = {
  type: GuestType;
  vmid: number;
  nodeId: number;
  /** From sending to receiving; of a clone, when its task started. */
  window: Window;
} & (
  | {
      kind: 'read';
      identity: GuestIdentity;
      /** False where the log does not tell what happened since the reading before: then another uuid is another guest. */
      isLogComplete: boolean;
    }
  /** Every member of the cluster said that the config does not exist. */
  | { kind: 'gone' }
  /** The log of a clone's task names this VMID as the new one. */
  | { kind: 'cloned'; upid: string }
);

export type ReadFact = Extract<IdentityFact, { kind: 'read' }>;

/** Tasks after which a config may be of another guest, or say something else of the same one (proxmox-api.md, section 4). */
const REWRITES = new Set(['qmcreate', 'qmrestore', 'vzcreate', 'vzrestore', 'qmrollback', 'vzrollback']);

/** Tasks that make a guest anew; a restore may also be in place. */
export const CREATIONS: ReadonlySet<string> = new Set(['qmcreate', 'vzcreate']);
export const RESTORES: ReadonlySet<string> = new Set(['qmrestore', 'vzrestore']);

/** True for one and the same look, handed in twice. */
export function isSameFact(a: IdentityFact, b: IdentityFact): boolean {
  const { earliest, latest } = a.window;
  return a.kind === b.kind && a.nodeId === b.nodeId && earliest === b.window.earliest && latest === b.window.latest;
}

/** The readings of configs among the guest's facts, oldest first. */
export function readingsOf(guest: Pick<GuestState, 'identities'>): ReadFact[] {
  return guest.identities.filter((fact) => fact.kind === 'read').sort((a, b) => a.window.earliest - b.window.earliest);
}

/** True where the guest's config is to be read: it is listed, and was not read since the last event that can have changed it. */
export function needsReading(guest: GuestState): boolean {
  const present = guest.lives.at(-1);
  if (!guest.isOpen || present === undefined || present.destroyed !== null) return false;
  const last = readingsOf(guest).at(-1);
  return last === undefined || last.window.earliest < lastRewriteAt(guest);
}

function lastRewriteAt(guest: GuestState): number {
  const begins = guest.lives.at(-2)?.destroyed?.latest ?? Number.NEGATIVE_INFINITY;
  const tasks = guest.tasks.filter((task) => task.outcome === 'ok' && REWRITES.has(task.type));
  const clones = guest.identities.filter((fact) => fact.kind === 'cloned');
  return Math.max(
    begins,
    ...tasks.map((task) => task.end?.latest ?? task.start.latest),
    ...clones.map((fact) => fact.window.latest),
  );
}

/**
 * True where every member is to be asked whether the config still exists: the guest was listed once, its node's newer lists do
 * not hold it, and neither a destroy task nor two polls have said that it is gone (ledger rule 18).
 */
export function needsAbsenceCheck(guest: GuestState, lastSeenAt: number | null): boolean {
  const last = guest.spans.at(-1);
  if (guest.isOpen || last === undefined || guest.lives.at(-1)?.destroyed !== null) return false;
  return lastSeenAt !== null && lastSeenAt > last.last.sentAt && confirmedGone(guest) === null;
}

/** When two polls have found the guest's config on no member, with no sample of it since; the first of them bounds its end. */
export function confirmedGone(guest: Pick<GuestState, 'identities' | 'spans'>): Window | null {
  const seenAt = guest.spans.at(-1)?.last.sentAt ?? Number.NEGATIVE_INFINITY;
  const gone = guest.identities
    .filter((fact) => fact.kind === 'gone' && fact.window.earliest > seenAt)
    .sort((a, b) => a.window.earliest - b.window.earliest);
  const [first, second] = gone;
  return first === undefined || second === undefined ? null : first.window;
}

/** True for a clone whose log is to be read: its task names the source, and only the log the new VMID. */
export function isClone(task: Task): boolean {
  return task.outcome === 'ok' && (task.type === 'qmclone' || task.type === 'vzclone');
}

/** True where both are known and the same; a VM without uuid, and any container, cannot be told to be the one it was. */
export function isSameIdentity(a: GuestIdentity | undefined, b: GuestIdentity | undefined): boolean {
  return a !== undefined && b !== undefined && a.uuid !== null && a.uuid === b.uuid;
}

/** An edit of the uuid between two readings of one incarnation; null where it is the same, or unknown. */
export function uuidChange(before: ReadFact | undefined, after: ReadFact): ProfileChange | null {
  if (before === undefined || before.identity.uuid === after.identity.uuid) return null;
  if (before.identity.uuid === null && before.identity.createdTimeS === null) return null;
  return {
    field: 'uuid',
    before: before.identity.uuid,
    after: after.identity.uuid,
    window: { earliest: before.window.earliest, latest: after.window.latest },
  };
}
