import type { EndReason, Evidence } from '../../core/evidence.js';
import type { GuestType } from '../../core/observation.js';
import type { PauseKind } from '../../core/pause-span.js';

/** What the queries yield to web: values in our units (epoch ms, bytes), never rows of SQL. */

export type NodeHealth = 'online' | 'unreachable' | 'unauthorized' | 'tls_error' | 'partial';

export interface NodeView {
  id: number;
  /** Unique on the wire. */
  name: string;
  hostname: string;
  clusterId: number;
  /** A standalone node's cluster is its own name. */
  cluster: string;
  isActive: boolean;
  health: NodeHealth;
  lastError: string | null;
  /** `sent` of the last good list, null before the first. */
  lastSeenAt: number | null;
  lastPolledAt: number | null;
  offsetMs: number | null;
  bootAt: number | null;
  version: string | null;
  coverageSince: number | null;
  source: 'pull' | 'push';
  guestCount: number;
  runningCount: number;
}

export type GuestState = 'running' | 'stopped' | 'not_seen';

export interface GuestView {
  id: number;
  clusterId: number;
  cluster: string;
  node: string;
  nodeId: number;
  type: GuestType;
  vmid: number;
  name: string | null;
  state: GuestState;
  /** True while it exists: it bears its VMID and is not destroyed. */
  isPresent: boolean;
  cores: number | null;
  memoryBytes: number | null;
  tags: string[];
  pool: string | null;
  firstSeenAt: number;
  lastSeenAt: number;
  destroyedAt: number | null;
  isTemplate: boolean;
  openSessionId: number | null;
  /** Start of the open session. */
  runningSince: number | null;
  /** All sessions by `at`, the open one up to its provenUntil. */
  totalRuntimeMs: number;
}

export interface SegmentView {
  node: string;
  startedAt: number;
  endedAt: number | null;
  cores: number | null;
  memoryBytes: number | null;
}

export interface EdgeView {
  at: number;
  /** Null only with evidence log_edge. */
  earliest: number | null;
  latest: number;
  evidence: Evidence;
}

/** A stretch of a session in which its CPUs stood still. */
export interface PauseView {
  kind: PauseKind;
  start: EdgeView;
  /** Null while it lasts. */
  end: EdgeView | null;
  startUpid: string | null;
  endUpid: string | null;
}

export interface SessionView {
  id: number;
  guestId: number;
  clusterId: number;
  cluster: string;
  vmid: number;
  type: GuestType;
  guestName: string | null;
  /** True while its guest exists. */
  isGuestPresent: boolean;
  /** Node of the last segment. */
  node: string;
  start: EdgeView;
  /** Null while open. */
  end: EdgeView | null;
  endReason: EndReason | null;
  startUpid: string | null;
  stopUpid: string | null;
  user: string | null;
  /** Of an open session: the last instant at which it was proven running; of an ended one: its end's `at`. */
  provenUntil: number;
  /** provenUntil less start.at, never negative. */
  durationMs: number;
  segments: SegmentView[];
  pauses: PauseView[];
  /** How long the pauses lasted together, an open one up to provenUntil; part of durationMs. */
  pausedMs: number;
  createdAt: number;
}

export type GapReason =
  | 'unreachable'
  | 'unauthorized'
  | 'tls_error'
  | 'bad_answer'
  | 'permission_lost'
  | 'manager_down'
  | 'log_rotated'
  | 'clock_step';

export interface GapView {
  id: number;
  cluster: string;
  node: string;
  startedAt: number;
  endedAt: number | null;
  reason: GapReason;
  detail: string | null;
  isProven: boolean;
}

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  perPage: number;
}
