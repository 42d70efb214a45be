import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../clock.js';
import type {
  ClockOffset,
  GuestRow,
  GuestType,
  NodeObservation,
  NodeStatus,
  ResourceRow,
  Seen,
  TaskPages,
} from '../core/observation.js';
import type { Log } from '../log.js';
import { currentStatus, guestRows, nodeStatus, nodeTimeS, resourceRows } from './answers.js';
import type { Answer, ProxmoxApi } from './client.js';
import { joinOffsets, offsetOf } from './clock-offset.js';
import type { ProxmoxError } from './errors.js';
import { isDeadEnd, notSeen } from './errors.js';
import { ask, type Asked } from './ask.js';
import { readTaskPages } from './task-pages.js';

export interface ObservePlan {
  /** The node's own name in Proxmox. */
  node: string;
  trackQemu: boolean;
  trackLxc: boolean;
  /** True for a UPID that was seen finished before: reading the log stops there. */
  isKnownFinished(upid: string): boolean;
  askStatus: boolean;
  /** True when the answering server is the node itself: its Date header is then the node's clock. */
  isDirect: boolean;
}

export interface ObserveParts {
  clock: Clock;
  log: Log;
  /** Waits so many milliseconds; the real wait by default. */
  sleep?: (ms: number) => Promise<void>;
}

const RETRY_MS = 1_000;
/** A backup job locks one guest at a time: more than this are asked at the next poll. */
const MAX_CURRENT = 8;

/**
 * One poll of a node (ledger rule 2): its lists together, then its tasks beside its status and clock, at most two requests at a
 * time. Never throws for what the node answers: each part is seen or not. When the first requests show that asking on is
 * pointless, the rest is not asked and shares their reason.
 */
export async function observeNode(api: ProxmoxApi, plan: ObservePlan, parts: ObserveParts): Promise<NodeObservation> {
  return new Observer(api, plan, parts).observe();
}

class Observer {
  readonly #offsets: ClockOffset[] = [];
  readonly #path: string;

  constructor(
    readonly api: ProxmoxApi,
    readonly plan: ObservePlan,
    readonly parts: ObserveParts,
  ) {
    this.#path = `/nodes/${encodeURIComponent(plan.node)}`;
  }

  async observe(): Promise<NodeObservation> {
    const { plan, parts } = this;
    const beganAt = parts.clock.now();
    const [qemu, lxc] = await Promise.all([
      plan.trackQemu ? this.#guests('qemu') : null,
      plan.trackLxc ? this.#guests('lxc') : null,
    ]);
    const deadEnd = deadEndOf([qemu, lxc]);
    if (qemu?.seen.kind === 'seen') await this.#askLocked(qemu.seen.value);
    const [tasks, status] =
      deadEnd === null
        ? await Promise.all([this.#tasks(), this.#statusAndTime()])
        : [this.#unasked(deadEnd), plan.askStatus ? this.#unasked(deadEnd) : null];
    return {
      node: plan.node,
      beganAt,
      finishedAt: parts.clock.now(),
      qemu: qemu?.seen ?? null,
      lxc: lxc?.seen ?? null,
      tasks,
      offset: joinOffsets(this.#offsets),
      status,
    };
  }

  async #guests(type: GuestType): Promise<Asked<GuestRow[]>> {
    const path = `${this.#path}/${type}`;
    const first = await this.#ask(path, (answer) => guestRows(type, answer.data, `GET ${path}`));
    if (!isVanishedConfig(first.error)) return first;
    // One config that goes while the list is made fails the whole list (trap 35): the next reading no longer meets it.
    await (this.parts.sleep ?? wait)(RETRY_MS);
    return this.#ask(path, (answer) => guestRows(type, answer.data, `GET ${path}`));
  }

  /** Under a backup's or a migration's lock a process may be none of the guest's: QEMU's own state tells (ledger rule 16). */
  async #askLocked(rows: GuestRow[]): Promise<void> {
    const locked = rows.filter((row) => row.status === 'running' && (row.lock === 'backup' || row.lock === 'migrate'));
    for (const row of locked.slice(0, MAX_CURRENT)) {
      const path = `${this.#path}/qemu/${row.vmid}/status/current`;
      const { seen } = await this.#ask(path, (answer) => currentStatus(answer.data, `GET ${path}`));
      // Another process by now: what it says is none of the row's.
      if (seen.kind === 'seen' && seen.value.pid === row.pid) row.qmpstatus = seen.value.qmpstatus;
    }
  }

  async #tasks(): Promise<Seen<TaskPages>> {
    const { clock, log } = this.parts;
    const sentAt = clock.now();
    try {
      const onAnswer = (answer: Answer): void => this.#readDate(answer);
      const { pages, exchange } = await readTaskPages(this.api, this.plan.node, this.plan.isKnownFinished, {
        log,
        onAnswer,
      });
      return { kind: 'seen', value: pages, ...exchange };
    } catch (error) {
      return notSeen(error, { sentAt, receivedAt: clock.now() });
    }
  }

  /** One after the other, as the tasks are read beside them. */
  async #statusAndTime(): Promise<Seen<NodeStatus> | null> {
    const { askStatus, isDirect } = this.plan;
    if (!isDirect) await this.#readTime();
    if (!askStatus) return null;
    const path = `${this.#path}/status`;
    const { seen } = await this.#ask(path, (answer) => nodeStatus(answer.data, `GET ${path}`));
    return seen;
  }

  /** The node's clock where another server answers for it: the Date header is then that server's (trap 29). */
  async #readTime(): Promise<void> {
    const path = `${this.#path}/time`;
    const { seen } = await this.#ask(path, (answer) => nodeTimeS(answer.data, `GET ${path}`));
    if (seen.kind === 'seen') this.#offsets.push(offsetOf(seen.value * 1000, seen));
    else this.parts.log.debug('the clock of a node was not read', { node: this.plan.node, detail: seen.detail });
  }

  #ask<T>(path: string, read: (answer: Answer) => T): Promise<Asked<T>> {
    return ask(this.api, this.parts.clock, path, {}, (answer) => {
      this.#readDate(answer);
      return read(answer);
    });
  }

  #readDate(answer: Answer): void {
    if (this.plan.isDirect && answer.dateAt !== null) this.#offsets.push(offsetOf(answer.dateAt, answer));
  }

  #unasked(error: ProxmoxError): Seen<never> {
    const now = this.parts.clock.now();
    return notSeen(error, { sentAt: now, receivedAt: now });
  }
}

/** The failure that makes asking on pointless: all first requests met one. */
function deadEndOf(lists: (Asked<unknown> | null)[]): ProxmoxError | null {
  const asked = lists.filter((list) => list !== null);
  if (!asked.every((list) => isDeadEnd(list.error))) return null;
  return asked[0]?.error ?? null;
}

function isVanishedConfig(error: ProxmoxError | null): boolean {
  return error?.statusCode === 500 && /configuration file|\.conf\b/i.test(error.said ?? '');
}

/** GET /cluster/resources?type=vm: up to 14 s old, so it bounds no session; it tells pool, lock and qmpstatus, dated by its uptime. */
export async function fetchResources(api: ProxmoxApi, clock: Clock): Promise<Seen<ResourceRow[]>> {
  const path = '/cluster/resources';
  const { seen } = await ask(api, clock, path, { type: 'vm' }, (answer) => resourceRows(answer.data, `GET ${path}`));
  return seen;
}
