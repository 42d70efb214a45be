/** The vocabulary of the simulated world: what exists at its beginning and what happens to it. Instants are epoch ms on the true clock. */

export type GuestType = 'qemu' | 'lxc';
export type PveVersion = '7.4' | '8.4' | '9.2';

export interface Scenario {
  name: string;
  /** Decides what events leave open: pids, latencies, lateness. */
  seed: number;
  beganAt: number;
  clusters: ScenarioCluster[];
  /** In any order; the world sorts them by `at`. */
  events: ScenarioEvent[];
  faults: ScenarioFault[];
}

export interface ScenarioCluster {
  /** Null for a standalone node: the cluster's key is then its node's name. */
  name: string | null;
  version: PveVersion;
  /** Node names are unique over the whole scenario. */
  nodes: ScenarioNode[];
  guests: ScenarioGuest[];
  tokens: ScenarioToken[];
}

export interface ScenarioNode {
  name: string;
  /** When its kernel started; at or before the scenario's beginning. */
  bootedAt: number;
  clock?: NodeClockSpec;
}

/** How a node's wall clock differs from the true one. Its rate also drives uptime; steps do not (CLOCK_BOOTTIME). */
export interface NodeClockSpec {
  /** Wall minus true at the scenario's beginning. */
  offsetMs: number;
  driftPpm: number;
  steps: { at: number; byMs: number }[];
}

export interface ScenarioGuest {
  vmid: number;
  type: GuestType;
  name: string;
  node: string;
  cores: number;
  memoryBytes: number;
  /** VMs only; null: a VM without smbios1. Left out: derived from the seed. */
  uuid?: string | null;
  createdAt?: number;
  /** Separated by semicolons, as Proxmox stores them. */
  tags?: string;
  pool?: string;
  /** Start of its process; null or left out: stopped. */
  runningSince?: number | null;
  isOnBoot?: boolean;
  isHa?: boolean;
  isTemplate?: boolean;
}

export interface ScenarioToken {
  /** `name@realm`. */
  user: string;
  tokenName: string;
  value: string;
  privileges: { path: string; privileges: string[] }[];
}

/** Fields that every event on a guest may carry. The cluster defaults to the scenario's first. */
export interface GuestEventBase {
  at: number;
  cluster?: string;
  vmid: number;
  user?: string;
  /** The task's end is noticed only by pvestatd's next round (up to 10 s later) or the node's next task. */
  isNoticedLate?: boolean;
}

export type GuestEvent = GuestEventBase &
  /** `pid` is given where it matters that it was used before; else the node's next. */
  (
    | { kind: 'start'; takesMs?: number; error?: string; pid?: number }
    | { kind: 'stop' }
    | { kind: 'shutdown'; takesMs?: number; isIgnored?: boolean; forceStop?: boolean; timeoutMs?: number }
    | { kind: 'reboot'; takesMs?: number }
    | { kind: 'poweroff' }
    | { kind: 'crash' }
    | { kind: 'guest_reboot' }
    | { kind: 'reset' }
    | { kind: 'pause' }
    | { kind: 'resume'; takesMs?: number }
    /** Its CPUs stand still for so long, and nothing logs it: no space for its disk, its own sleep, a `stop` typed at its monitor. */
    | { kind: 'halt'; state: 'io-error' | 'suspended' | 'paused'; takesMs: number }
    | { kind: 'suspend_to_disk'; takesMs?: number }
    | { kind: 'migrate'; to: string; takesMs?: number; error?: string }
    | { kind: 'remote_migrate'; toCluster: string; to: string; toVmid: number; takesMs?: number; isKept?: boolean }
    | { kind: 'snapshot'; withRam?: boolean; takesMs?: number }
    | { kind: 'delete_snapshot'; takesMs?: number }
    | { kind: 'rollback'; withRam?: boolean; start?: boolean; takesMs?: number }
    | { kind: 'destroy'; force?: boolean; takesMs?: number }
    | { kind: 'clone'; toVmid: number; name: string; to?: string; takesMs?: number }
    | { kind: 'template'; takesMs?: number }
    | { kind: 'change'; name?: string; cores?: number; memoryBytes?: number; tags?: string; pool?: string | null }
    | { kind: 'unlock' }
    | { kind: 'ha_start' }
    | { kind: 'ha_stop' }
    | { kind: 'ha_relocate'; to: string }
  );

/** Fields of what happens to a node, or to a guest that does not exist before. */
export interface NodeEventBase {
  at: number;
  node: string;
  user?: string;
  isNoticedLate?: boolean;
}

export type NodeEvent = NodeEventBase &
  (
    | { kind: 'create'; guest: Omit<ScenarioGuest, 'node'>; start?: boolean; takesMs?: number }
    | {
        kind: 'restore';
        vmid: number;
        /** The guest whose backup it is, when it goes to a VMID of its own. */
        fromVmid?: number;
        start?: boolean;
        isLive?: boolean;
        isUnique?: boolean;
        takesMs?: number;
      }
    | { kind: 'backup'; vmids: number[]; mode: 'snapshot' | 'suspend' | 'stop'; takesMs?: number }
    | { kind: 'node_crash'; downMs: number; recoverTo?: string }
    | { kind: 'node_reboot'; downMs: number }
    | { kind: 'start_all'; vmids?: number[]; type?: 'startall' | 'bulk-start' }
    | { kind: 'stop_all'; vmids?: number[]; type?: 'stopall' | 'bulk-shutdown' }
    | { kind: 'noise'; type: string; id?: string; takesMs?: number; count?: number }
    | { kind: 'reinstall'; downMs: number }
  );

export type ScenarioEvent = GuestEvent | NodeEvent;
export type EventKind = ScenarioEvent['kind'];

/** What goes wrong on the way to an answer within [from, to); by entry node and by a prefix of the path, all when left out. */
export interface ScenarioFault {
  from: number;
  to: number;
  node?: string;
  /** The path after /api2/json that it must contain, e.g. `/qemu`. */
  path?: string;
  /** Of all requests the share that it hits, decided by the instant; 1 when left out. */
  share?: number;
  fault:
    | { kind: 'status'; status: number; statusText?: string }
    | { kind: 'hang' }
    | { kind: 'cut' }
    | { kind: 'garbage' }
    | { kind: 'refused' }
    | { kind: 'slow'; delayMs: number }
    | { kind: 'unauthorized' }
    | { kind: 'permission_lost'; privilege: string }
    | { kind: 'config_vanished'; vmid: number }
    | { kind: 'host_uptime'; vmid: number }
    | { kind: 'partitioned' };
}

/** The name that events and truths use for a cluster: its own, or its only node's. */
export function clusterKey(cluster: Pick<ScenarioCluster, 'name' | 'nodes'>): string {
  return cluster.name ?? cluster.nodes[0]?.name ?? '';
}

/** The scenario with one more event, placed after those of the same instant. */
export function withEvent(scenario: Scenario, event: ScenarioEvent): Scenario {
  return { ...scenario, events: [...scenario.events, event] };
}
