import type { Exchange, GuestRow, GuestType } from './observation.js';
import type { AgentReport } from './agent-report.js';
import type { JournalMark } from './journal.js';
import type { RrdMark } from './rrd.js';
import type { Session } from './session.js';
import type { Span, UptimeSample } from './span.js';
import type { Task } from './task.js';
import type { IdentityFact } from './identity.js';
import type { ProfileChange } from './profile.js';
import { pauseUntil } from './pause-span.js';
import type { Window } from './window.js';

/** What a guest is called and how large it is, as its node's list says. */
export interface GuestProfile {
  name: string | null;
  cores: number | null;
  memoryBytes: number | null;
  tags: string | null;
  pool: string | null;
  isTemplate: boolean;
}

/** One incarnation of a VMID (ledger rule 19). */
export interface Life {
  /** Our row's id; null until it is written. */
  id: number | null;
  /** 1 for the first that we know of. */
  life: number;
  firstSeenAt: number;
  /** When its destroy task removed it; null while it exists. */
  destroyed: Window | null;
  /** True where no task told its end, but the lack of its config or the uuid of what followed (ledger rules 18 and 19). */
  isDestroyedByConfig?: boolean;
}

export interface StoredSession {
  id: number;
  /** The row of the incarnation that owns it. */
  guestId: number;
  session: Session;
}

/** All that memory holds of one VMID of one type in one cluster: its facts, and the sessions derived from them. */
export interface GuestState {
  type: GuestType;
  vmid: number;
  /** Never empty; the last is the present one. */
  lives: Life[];
  /** Where it is, or was seen last. */
  nodeId: number;
  profile: GuestProfile;
  spans: Span[];
  /** True while the last span reaches to its node's last good list. */
  isOpen: boolean;
  tasks: Task[];
  sessions: StoredSession[];
  /** Lines of nodes' journals that tell of ends; absent where none was asked. */
  journal?: readonly JournalMark[];
  /** Bins of nodes' rrd data that tell of wide ends; absent where none was asked. */
  rrd?: readonly RrdMark[];
  /** What agents and people said of it; absent where nobody did. */
  reports?: readonly AgentReport[];
  /** Resizes of the present incarnation, and what else changed in the poll that is being applied. */
  changes: ProfileChange[];
  /** What its configs, and the logs of clones into it, said of who it is. */
  identities: IdentityFact[];
  /** Facts before this instant are neither loaded nor derived again; null where all are. */
  frozenAt: number | null;
}

/** The key of a guest within its cluster. */
export function guestKey(type: GuestType, vmid: number): string {
  return `${type}/${vmid}`;
}

/** The profile that a list's row tells; the pool is known from the cluster's resources only. */
export function profileOf(row: GuestRow, pool: string | null): GuestProfile {
  return {
    name: row.name,
    cores: row.cores,
    memoryBytes: row.memoryBytes,
    tags: row.tags,
    pool,
    isTemplate: row.isTemplate,
  };
}

export const emptyProfile: GuestProfile = {
  name: null,
  cores: null,
  memoryBytes: null,
  tags: null,
  pool: null,
  isTemplate: false,
};

/** The spans with the open one reaching to `lastSeen`, its node's last good list, and its open pause to `statesSeen`. */
export function spansUntil(guest: GuestState, lastSeen: Exchange | null, statesSeen: Window | null = null): Span[] {
  const open = guest.spans.at(-1);
  if (!guest.isOpen || open === undefined) return guest.spans;
  const paused = pauseUntil(open, statesSeen);
  const isLater = lastSeen !== null && lastSeen.sentAt > open.last.sentAt;
  if (!isLater && paused === open) return guest.spans;
  return [...guest.spans.slice(0, -1), isLater ? { ...paused, last: lastSeen } : paused];
}

/** The incarnation that an instant belongs to: the first that was not destroyed before it. */
export function lifeAt(lives: readonly Life[], at: number): Life {
  const found = lives.find((life) => life.destroyed === null || at <= life.destroyed.latest) ?? lives.at(-1);
  if (found === undefined) throw new Error('a guest has no incarnation');
  return found;
}

/** The last sample of each guest's process, kept in memory only; a restart falls back on the span's stored one (ledger rule 5). */
export type LastSamples = Map<string, UptimeSample>;

/** A guest of which nothing is known yet but that it was on this node at this instant. */
export function newGuest(
  type: GuestType,
  vmid: number,
  seen: { nodeId: number; firstSeenAt: number; profile: GuestProfile },
): GuestState {
  return {
    type,
    vmid,
    lives: [{ id: null, life: 1, firstSeenAt: seen.firstSeenAt, destroyed: null }],
    nodeId: seen.nodeId,
    profile: seen.profile,
    spans: [],
    isOpen: false,
    tasks: [],
    sessions: [],
    changes: [],
    identities: [],
    frozenAt: null,
  };
}

/** A guest known from the log alone (ledger rule 20). */
export function goneGuest(type: GuestType, vmid: number, nodeId: number, task: Task): GuestState {
  return newGuest(type, vmid, { nodeId, firstSeenAt: task.start.earliest, profile: emptyProfile });
}
