import { derive, type Derived } from './derive.js';
import {
  goneGuest,
  guestKey,
  hasFactsAfter,
  livesOf,
  profileOf,
  spansUntil,
  type GuestProfile,
  type GuestState,
  type LastSamples,
} from './guest.js';
import { gapChange, type GapChange } from './gap.js';
import { clockStepped, taskFrom, withClockAndBoot, bootByTask, bootsWith, type NodeState } from './node-state.js';
import type { Exchange, GuestRow, GuestType, NodeObservation, Seen } from './observation.js';
import { isResize, profileChanges } from './profile.js';
import { applyRow, closeAbsent } from './sample.js';
import { SETTLE_MS } from './sweep.js';
import { effectsOf, EVIDENCE_TYPES, guestTypeOf, type Task } from './task.js';

/** What memory holds of one cluster: the facts and what was derived from them. Built from the database at start. */
export interface ClusterState {
  nodes: Map<number, NodeState>;
  /** By guestKey. */
  guests: Map<string, GuestState>;
  /** By guestKey. */
  samples: LastSamples;
  /** By guestKey, from the cluster's resources: null where none. */
  pools: Map<string, string | null>;
  /** By guestKey: guests that a migration moved, and when it counts as one out of our sight if no node shows them. */
  pending: Map<string, number>;
}

/** A guest whose facts changed in a poll, with what they now yield. */
export interface GuestChange {
  key: string;
  before: GuestState | null;
  after: GuestState;
  derived: Derived;
}

/** All that one poll changes; nothing of it is true before it is written. */
export interface PollChange {
  node: NodeState;
  observation: NodeObservation;
  guests: GuestChange[];
  samples: LastSamples;
  pending: Map<string, number>;
  gap: GapChange;
  isClockStepped: boolean;
}

export interface PollContext {
  /** Twice this without a poll is a gap of the manager's own. */
  intervalMs: number;
}

/**
 * What a poll of a node changes in what was known: offsets and boots first, then tasks, then samples, then the sessions of
 * the guests that changed (ledger.md, "The method"). Leaves `state` as it is; `commit` takes the change over once it is written.
 */
export function reconcile(
  state: ClusterState,
  observation: NodeObservation,
  nodeId: number,
  context: PollContext,
): PollChange {
  const before = state.nodes.get(nodeId);
  if (before === undefined) throw new Error(`node ${nodeId} is not part of this cluster`);
  const round = new Round(state, withClockAndBoot(before, observation), observation);
  round.takeTasks();
  round.takePending();
  for (const type of ['qemu', 'lxc'] as const) round.takeList(type, observation[type]);
  const after = round.closeNode(before);
  const gap = gapChange(before, after, observation, context.intervalMs);
  return {
    node: { ...after, gap: gap.opened ?? (gap.closedAt === null ? before.gap : null) },
    observation,
    guests: round.derived(after),
    samples: round.samples,
    pending: round.pending,
    gap,
    isClockStepped: clockStepped(before, after),
  };
}

/** Takes a written change over into the state. The ids of new rows were put into it by the writer. */
export function commit(state: ClusterState, change: PollChange): void {
  state.nodes.set(change.node.id, change.node);
  for (const guest of change.guests) state.guests.set(guest.key, guest.after);
  for (const [key, sample] of change.samples) state.samples.set(key, sample);
  for (const [key, at] of change.pending) {
    if (at <= change.observation.finishedAt) state.pending.delete(key);
    else state.pending.set(key, at);
  }
}

class Round {
  readonly samples: LastSamples = new Map();
  private readonly touched = new Map<string, GuestState>();
  private readonly restarted = new Set<string>();
  /** Guests to derive again, and when (see ClusterState.pending). */
  readonly pending = new Map<string, number>();

  constructor(
    private readonly state: ClusterState,
    private node: NodeState,
    private readonly observation: NodeObservation,
  ) {}

  private guest(key: string): GuestState | null {
    return this.touched.get(key) ?? this.state.guests.get(key) ?? null;
  }

  takeTasks(): void {
    const { tasks } = this.observation;
    const { clock } = this.node;
    const earlier = this.state.nodes.get(this.node.id)?.clock ?? null;
    if (tasks.kind !== 'seen' || clock === null) return;
    let oldestEnd: number | null = null;
    let boots = this.node.boots;
    for (const row of tasks.value.rows) {
      const task = taskFrom(row, this.node, clock, earlier);
      boots = bootsWith(boots, bootByTask(task.start, row.pstart));
      if (task.end !== null) oldestEnd = Math.min(oldestEnd ?? task.end.earliest, task.end.earliest);
      if (!EVIDENCE_TYPES.has(row.type)) continue;
      if (task.vmid === null) this.takeNodeTask(task);
      else this.takeGuestTask(guestTypeOf(task.type), task.vmid, task);
    }
    // Set once, at first contact: later holes are gaps of their own (ledger rule 4).
    const coverageSince = this.node.coverageSince ?? oldestEnd ?? this.observation.beganAt;
    this.node = { ...this.node, boots, coverageSince };
  }

  takePending(): void {
    for (const [key, at] of this.state.pending) {
      const guest = this.guest(key);
      if (at > this.observation.finishedAt || guest === null || this.pending.has(key)) continue;
      this.pending.set(key, at);
      this.touched.set(key, { ...guest });
    }
  }

  private takeNodeTask(task: Task): void {
    const others = this.node.tasks.filter((known) => known.upid !== task.upid);
    this.node = { ...this.node, tasks: [...others, task] };
  }

  private takeGuestTask(type: GuestType, vmid: number, task: Task): void {
    const key = guestKey(type, vmid);
    const guest = this.guest(key) ?? goneGuest(type, vmid, this.node.id, task);
    const known = guest.tasks.find((one) => one.upid === task.upid);
    // A finished task is frozen as first read (ledger rule 11); a running one is only taken anew when it has ended.
    if (known !== undefined && (known.outcome !== 'running' || task.outcome === 'running')) return;
    // The start stays as it was read while it ran: the clock may have been set since.
    const taken = known === undefined ? task : { ...task, start: known.start };
    const tasks =
      known === undefined ? [...guest.tasks, taken] : guest.tasks.map((one) => (one === known ? taken : one));
    if (task.type === 'qmigrate' && task.outcome === 'ok')
      this.pending.set(key, this.observation.finishedAt + SETTLE_MS);
    this.touched.set(key, { ...guest, tasks });
    if (effectsOf(task).some((effect) => effect.edge === 'start')) this.restarted.add(key);
  }

  takeList(type: GuestType, list: Seen<GuestRow[]> | null): void {
    if (list?.kind !== 'seen') return;
    const listed = new Set<string>();
    for (const row of list.value) {
      const key = guestKey(type, row.vmid);
      listed.add(key);
      const known = this.guest(key);
      const { guest, sample } = applyRow({
        row,
        guest: known,
        profile: this.profile(row, key, known),
        node: this.node,
        at: { sentAt: list.sentAt, receivedAt: list.receivedAt },
        lastSample: this.state.samples.get(key) ?? null,
        lastSeenOf: (nodeId) => this.state.nodes.get(nodeId)?.lastSeen[type] ?? null,
        mayHaveRun: this.restarted.has(key),
      });
      if (guest !== null && guest !== known) this.touched.set(key, this.withChanges(guest, known, list));
      if (sample !== null) this.samples.set(key, sample);
    }
    for (const guest of this.state.guests.values()) {
      const key = guestKey(guest.type, guest.vmid);
      if (guest.type !== type || !guest.isOpen || guest.nodeId !== this.node.id || listed.has(key)) continue;
      this.touched.set(key, closeAbsent(this.guest(key) ?? guest, this.node.lastSeen[type]));
    }
  }

  /** What changed of its profile lies between the last list that showed the guest and this one. */
  private withChanges(guest: GuestState, known: GuestState | null, list: Exchange): GuestState {
    if (known === null) return guest;
    const lastSeen = this.state.nodes.get(known.nodeId)?.lastSeen[known.type] ?? null;
    const isListed = known.isOpen || known.spans.length === 0;
    const shownAt = (isListed ? lastSeen : known.spans.at(-1)?.last)?.sentAt ?? list.sentAt;
    const window = { earliest: Math.min(shownAt, list.sentAt), latest: list.receivedAt };
    const changes = profileChanges(known, guest, window);
    // Of changes that are written only resizes are needed again.
    return { ...guest, changes: [...known.changes.filter(isResize), ...changes] };
  }

  private profile(row: GuestRow, key: string, known: GuestState | null): GuestProfile {
    return profileOf(row, this.state.pools.get(key) ?? known?.profile.pool ?? null);
  }

  /** The node after the poll: its good lists are now the last ones seen. */
  closeNode(before: NodeState): NodeState {
    const seen = (list: Seen<unknown> | null, last: NodeState['lastSeen'][GuestType]) =>
      list?.kind === 'seen' ? { sentAt: list.sentAt, receivedAt: list.receivedAt } : last;
    return {
      ...this.node,
      lastSeen: {
        qemu: seen(this.observation.qemu, before.lastSeen.qemu),
        lxc: seen(this.observation.lxc, before.lastSeen.lxc),
      },
      lastPollFinishedAt: this.observation.finishedAt,
    };
  }

  derived(node: NodeState): GuestChange[] {
    return [...this.touched].map(([key, guest]) => {
      const after = { ...guest, lives: livesOf(guest.lives, guest.tasks, (at) => hasFactsAfter(guest, at)) };
      const nodeOf = (id: number): NodeState | undefined => (id === node.id ? node : this.state.nodes.get(id));
      return {
        key,
        before: this.state.guests.get(key) ?? null,
        after,
        derived: deriveGuest(after, nodeOf, this.observation.finishedAt),
      };
    });
  }
}

/** The sessions of one guest from all that is known of it and of the nodes it was on. */
export function deriveGuest(guest: GuestState, nodeOf: (id: number) => NodeState | undefined, asOf: number): Derived {
  const lastSeen = nodeOf(guest.nodeId)?.lastSeen[guest.type] ?? null;
  const spans = spansUntil(guest, lastSeen);
  const nodeIds = [...new Set([...spans.map((span) => span.nodeId), ...guest.tasks.map((task) => task.nodeId)])];
  // A backup of several guests is logged once for the node (proxmox-api.md, trap 21).
  const nodeTasks = nodeIds.flatMap((id) => nodeOf(id)?.tasks ?? []);
  return derive({
    spans,
    tasks: nodeTasks.length === 0 ? guest.tasks : [...guest.tasks, ...nodeTasks],
    boots: nodeIds.flatMap((nodeId) => (nodeOf(nodeId)?.boots ?? []).map((at) => ({ nodeId, at }))),
    coverageSince: new Map(nodeIds.map((id) => [id, nodeOf(id)?.coverageSince ?? asOf])),
    asOf,
  });
}
