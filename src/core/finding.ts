import type { Window } from './window.js';

/** What the sanity checker can find wrong with the ledger, or in need of a person's word. */
export type FindingKind =
  | 'overlap'
  | 'two_open'
  | 'past_guest_end'
  | 'past_node_boot'
  | 'end_before_start'
  | 'segments_differ'
  | 'unseen_open'
  | 'bounds_exclude_at'
  | 'evidence_conflict'
  | 'correction_contradicted';

/**
 * A correction that would settle a finding: the edge of a session set to an instant, `at` null meaning back to what was derived;
 * or its stretches on nodes laid anew between its edges as derived, which has no instant.
 */
export interface Repair {
  sessionId: number;
  field: 'start' | 'end' | 'segments';
  at: number | null;
  sentence: string;
}

export interface Finding {
  /** The same at every check for as long as the same is wrong: what a repair is asked by. */
  key: string;
  kind: FindingKind;
  guestId: number;
  /** Null where it is about the guest, or about a session that is gone. */
  sessionId: number | null;
  sentence: string;
  /** Null where no correction is certain: then a person can only accept it. */
  repair: Repair | null;
}

export interface CheckedEdge {
  at: number;
  earliest: number | null;
  latest: number;
  /** The instant that a correction put in place of `at`; null where there is none in force. */
  correctedAt: number | null;
}

export interface CheckedSession {
  id: number;
  start: CheckedEdge;
  /** Null while open, as derived. */
  end: CheckedEdge | null;
  /** The end that a correction gave to a session that is open as derived. */
  correctedEndAt: number | null;
  /** The last instant at which the open session is proven. */
  provenUntil: number;
  segments: { nodeId: number; startedAt: number; endedAt: number | null }[];
}

export interface CheckedGuest {
  id: number;
  type: 'qemu' | 'lxc';
  vmid: number;
  name: string | null;
  /** When it was destroyed, and the likeliest instant; null while it exists. */
  destroyed: (Window & { at: number }) | null;
  sessions: readonly CheckedSession[];
  conflicts: readonly { id: number; sessionId: number | null; edge: string; kept: string; setAside: string }[];
}

export interface CheckedNode {
  name: string;
  boot: (Window & { at: number }) | null;
}

export interface CheckContext {
  asOf: number;
  nodes: ReadonlyMap<number, CheckedNode>;
}

/** The session's start as it counts: corrected where a correction is in force. */
export function startOf(session: CheckedSession): number {
  return session.start.correctedAt ?? session.start.at;
}

/** The session's end as it counts; null while open. */
export function endOf(session: CheckedSession): number | null {
  return session.end === null ? session.correctedEndAt : (session.end.correctedAt ?? session.end.at);
}

/** `qemu 104 "vGPU-1"`. */
export function nameOf(guest: Pick<CheckedGuest, 'type' | 'vmid' | 'name'>): string {
  return `${guest.type} ${guest.vmid}${guest.name === null ? '' : ` "${guest.name}"`}`;
}

/** An instant within a sentence, to the millisecond, UTC. */
export function instantText(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');
}
