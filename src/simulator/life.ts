import type { Machine } from './machine.js';
import type { GuestType } from './scenario.js';
import { Timeline } from './timeline.js';

/** A guest's config file. Replaced as a whole when a setting changes. */
export interface GuestSettings {
  name: string;
  cores: number;
  memoryBytes: number;
  tags: string | null;
  pool: string | null;
  isTemplate: boolean;
  isOnBoot: boolean;
  isHa: boolean;
  uuid: string | null;
  createdTimeS: number;
  hwaddr: string;
  rootfs: string;
}

/** A QEMU process, or a container's init. */
export interface GuestProcess {
  machine: Machine;
  pid: number;
  startedAt: number;
  bootedAt: number;
}

/** All that the API could show of a guest from one instant on. */
export interface GuestState {
  /** Where its config file lies. */
  machine: Machine;
  process: GuestProcess | null;
  /** QEMU's run state; `stopped` without a process. */
  qmpStatus: string;
  lock: string | null;
  /** LXC: the monitor is up from before init starts until the post-stop hook is done. */
  isMonitorUp: boolean;
  settings: GuestSettings;
}

/** How a true session ended. */
export type EndedHow =
  | 'stop'
  | 'shutdown'
  | 'reboot'
  | 'guest_reboot'
  | 'poweroff'
  | 'crash'
  | 'suspend'
  | 'rollback'
  | 'backup'
  | 'migrate'
  | 'migrated_away'
  | 'destroy'
  | 'host';

/** A session as it is being written down: the guest ran from `startedAt` to `endedAt`. */
export interface SessionRecord {
  startedAt: number;
  endedAt: number | null;
  endedHow: EndedHow | null;
  /** The node from each instant on. */
  moves: { node: string; at: number }[];
  /** With QEMU's name for each. */
  pauses: { from: number; to: number | null; kind: string }[];
}

/** One life of a VMID: from its config file's creation to its removal. */
export class GuestLife {
  readonly states = new Timeline<GuestState>();
  readonly sessions: SessionRecord[] = [];
  destroyedAt: number | null = null;
  /** Who holds the lock file, and in which boot. */
  holder: { machine: Machine; bootedAt: number } | null = null;

  constructor(
    readonly cluster: string,
    readonly type: GuestType,
    readonly vmid: number,
    readonly life: number,
    readonly createdAt: number,
    first: GuestState,
  ) {
    this.states.set(createdAt, first);
  }

  /** The newest state. */
  get state(): GuestState {
    const state = this.states.latest;
    if (state === undefined) throw new Error('a life without a state');
    return state;
  }

  get openSession(): SessionRecord | null {
    const last = this.sessions[this.sessions.length - 1];
    return last === undefined || last.endedAt !== null ? null : last;
  }

  /** True while some task of a node that is still in the same boot works on it. */
  get isHeld(): boolean {
    return this.holder !== null && this.holder.machine.boot?.bootedAt === this.holder.bootedAt;
  }
}
