/** What a poll of a node saw, as plain values. proxmox/observe yields it; reconcile takes it. All instants are epoch ms on the manager's clock. */

import type { JournalLine } from './journal.js';
import type { GuestBins } from './rrd.js';

export type GuestType = 'qemu' | 'lxc';

/** One request and its answer: what the answer says was true at some instant within. */
export interface Exchange {
  sentAt: number;
  receivedAt: number;
}

export type NotSeenReason = 'unreachable' | 'unauthorized' | 'tls_error' | 'bad_answer' | 'permission_lost';

/** Three states (ledger rule 1): an answer, or none, in which case nothing is known and nothing ends. */
export type Seen<T> =
  ({ kind: 'seen'; value: T } & Exchange) | ({ kind: 'not_seen'; reason: NotSeenReason; detail: string } & Exchange);

/** A row of GET /nodes/{node}/qemu or /lxc. */
export interface GuestRow {
  type: GuestType;
  vmid: number;
  name: string | null;
  status: 'running' | 'stopped';
  /** Absent while a container starts or ends. */
  pid: number | null;
  /** Whole seconds, floored; null when stopped. */
  uptimeS: number | null;
  cores: number | null;
  memoryBytes: number | null;
  lock: string | null;
  /** QEMU's own state, asked only where a lock makes `status` ambiguous; null where it was not asked or not told. */
  qmpstatus: string | null;
  tags: string | null;
  isTemplate: boolean;
}

/** A row of GET /nodes/{node}/tasks; stamps are whole seconds of the node's own clock. */
export interface TaskRow {
  upid: string;
  node: string;
  pid: number;
  /** Clock ticks (100 Hz) since the node's boot at which the worker started. */
  pstart: number;
  startTimeS: number;
  type: string;
  /** A VMID in most tasks of guests; may be empty. */
  id: string;
  /** user@realm without a token's name. */
  user: string;
  /** Null while it runs. */
  endTimeS: number | null;
  /** Null while it runs. */
  status: string | null;
}

/** What the task log's pages held: newest first as answered, each UPID once (the finished row wins). */
export interface TaskPages {
  rows: TaskRow[];
  /** True when reading stopped at a finished UPID already known; false when it met the log's end. */
  metKnown: boolean;
  /** False when the bound on pages ended the reading before either: the log may hold more. */
  isComplete: boolean;
}

/** Bounds of (node's clock minus manager's clock), ms. */
export interface ClockOffset {
  earliestMs: number;
  latestMs: number;
}

export interface NodeStatus {
  uptimeS: number;
  version: string | null;
}

/** One poll of one node (ledger rule 2). A list is null when that guest type is not tracked. */
export interface NodeObservation {
  /** The node's own name in Proxmox. */
  node: string;
  beganAt: number;
  finishedAt: number;
  qemu: Seen<GuestRow[]> | null;
  lxc: Seen<GuestRow[]> | null;
  tasks: Seen<TaskPages>;
  /** Null when the clock could not be read in this poll. */
  offset: ClockOffset | null;
  /** Null when it was not asked in this poll. */
  status: Seen<NodeStatus> | null;
  /** The journal around ends that no task explains; absent where it was not asked. */
  journal?: Seen<JournalLine[]>;
  /** The rrd data of a guest with a wide end; absent where none was asked. */
  rrd?: Seen<GuestBins>;
}

/** A row of GET /cluster/resources?type=vm: up to about 14 s old, so it bounds no session; it tells pool, lock and qmpstatus. */
export interface ResourceRow {
  type: GuestType;
  vmid: number;
  node: string;
  /** The qmpstatus of a VM, running/stopped of a container, or unknown. */
  status: string;
  /** Whole seconds, as old as the status; null where it is unknown. */
  uptimeS: number | null;
  name: string | null;
  pool: string | null;
  lock: string | null;
  tags: string | null;
  cores: number | null;
  memoryBytes: number | null;
  isTemplate: boolean;
}

/** What tells one life of a VMID from the next (proxmox-api.md, section 4), from GET .../config. */
export interface GuestIdentity {
  type: GuestType;
  vmid: number;
  /** smbios1 uuid of a VM; null for containers and for VMs without one. */
  uuid: string | null;
  /** meta ctime of a VM, epoch seconds. */
  createdTimeS: number | null;
  /** Of a container: net0's hwaddr and the rootfs volume. */
  hwaddr: string | null;
  rootfs: string | null;
}

/** Who a cluster is and who its members are, from /cluster/status, /nodes and the root CA where it can be read. */
export interface ClusterDiscovery {
  /** Null for a standalone node. */
  clusterName: string | null;
  /** SHA-256 of pve-root-ca.pem, where /nodes/{n}/certificates/info told it. */
  rootCaSha256: string | null;
  members: { node: string; ip: string | null; isOnline: boolean; isLocal: boolean; sslFingerprint: string | null }[];
  /** The member that answered. */
  localNode: string;
}

/** What the token may do (GET /access/permissions); coverage is partial where one is missing. */
export interface PermissionProbe {
  /** One sentence's worth each: privilege and the path it is missing on. */
  missing: { privilege: 'VM.Audit' | 'Sys.Audit' | 'Pool.Audit'; path: string }[];
}
