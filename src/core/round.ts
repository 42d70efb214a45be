import { convertedAnew } from './backfill.js';
import type { ClusterState, GuestChange } from './cluster-state.js';
import { coversLog, noCoverage, type NodeCoverage } from './coverage.js';
import { deriveGuest } from './derive-guest.js';
import { frozen, unfrozenSessions } from './freeze.js';
import { goneGuest, guestKey, profileOf, type GuestProfile, type GuestState, type LastSamples } from './guest.js';
import { isSameFact, readingsOf, uuidChange, type IdentityFact, type ReadFact } from './identity.js';
import { livesOf } from './lives.js';
import { withMarks } from './journal-marks.js';
import { steppedGuest, steppedSample } from './manager-clock.js';
import { stampWindow } from './node-clock.js';
import { bootByTask, bootsWith, taskFrom, type NodeState } from './node-state.js';
import type { Exchange, GuestRow, GuestType, NodeObservation, Seen } from './observation.js';
import { openGuests } from './open-guests.js';
import { isResize, profileChanges } from './profile.js';
import { withBins } from './rrd-marks.js';
import { applyRow, closeAbsent } from './sample.js';
import { settledAt } from './sweep.js';
import { concerns, effectsOf, EVIDENCE_TYPES, guestTypeOf, type Task } from './task.js';

/** One poll of one node on its way through the state, which it leaves as it is: offsets and boots, then tasks, then samples. */
export class Round {
  readonly samples: LastSamples = new Map();
  private readonly touched = new Map<string, GuestState>();
  private readonly restarted = new Set<string>();
  /** Guests to derive again, and when (see ClusterState.pending). */
  readonly pending = new Map<string, number>();

  constructor(
    private readonly state: ClusterState,
    private node: NodeState,
    private readonly observation: NodeObservation,
    /** How far the manager's clock was set since the node's last poll. */
    private readonly stepMs = 0,
    /** Of this node's log, as of this poll. */
    private readonly coverage: NodeCoverage = noCoverage,
  ) {
    if (stepMs !== 0) this.takeStep();
  }

  /** Every guest of the node is looked at anew: its open span and its last sample were stamped by the clock as it was. */
  private takeStep(): void {
    for (const [key, guest] of this.state.guests) {
      if (guest.nodeId !== this.node.id) continue;
      const sample = this.state.samples.get(key) ?? null;
      this.touched.set(key, steppedGuest(guest, sample, this.stepMs, this.observation.beganAt));
      if (sample !== null) this.samples.set(key, steppedSample(sample, this.stepMs));
    }
  }

  private lastSeenOf(nodeId: number, type: GuestType): Exchange | null {
    return (nodeId === this.node.id ? this.node : this.state.nodes.get(nodeId))?.lastSeen[type] ?? null;
  }

  private guest(key: string): GuestState | null {
    return this.touched.get(key) ?? this.state.guests.get(key) ?? null;
  }

  /** What first contact read back, while the clock still narrows. */
  takeBackfill(): void {
    const guests = [...this.state.guests].map(([key, guest]) => this.guest(key) ?? guest);
    const anew = convertedAnew(this.state.nodes.get(this.node.id)?.clock ?? null, this.node, guests);
    if (anew === null) return;
    this.node = anew.node;
    for (const [key, guest] of anew.guests) this.touched.set(key, guest);
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
      // Whether a backup is of a VM or of a container its row does not say.
      if (task.vmid === null || task.type === 'vzdump') this.takeNodeTask(task);
      else this.takeGuestTask(guestTypeOf(task.type), task.vmid, task);
    }
    // Set once, at first contact: later holes are gaps of their own (ledger rule 4).
    const coverageSince = this.node.coverageSince ?? oldestEnd ?? this.observation.beganAt;
    this.node = { ...this.node, boots, coverageSince };
  }

  /** Lines of the journal, for ends that no task explains. */
  takeJournal(): void {
    const { journal } = this.observation;
    const { clock } = this.node;
    if (journal?.kind !== 'seen' || clock === null) return;
    const earlier = this.state.nodes.get(this.node.id)?.clock ?? null;
    const marked = withMarks(
      journal.value,
      this.node.id,
      (key) => this.guest(key),
      (stampS) => stampWindow(stampS, clock, earlier),
    );
    for (const [key, guest] of marked) this.touched.set(key, guest);
  }

  /** Bins of a guest with an end that nothing else told of. */
  takeRrd(): void {
    const { rrd } = this.observation;
    const { clock } = this.node;
    if (rrd?.kind !== 'seen' || clock === null) return;
    const key = guestKey(rrd.value.type, rrd.value.vmid);
    const guest = this.guest(key);
    if (guest === null) return;
    const tasks = [...guest.tasks, ...this.node.tasks.filter((task) => concerns(task, guest.vmid))];
    const about = { nodeId: this.node.id, clock, tasks, asOf: this.observation.finishedAt };
    const marked = withBins(guest, rrd.value.bins, about);
    if (marked !== null) this.touched.set(key, marked);
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
    const known = this.node.tasks.find((one) => one.upid === task.upid);
    if (known !== undefined && (known.outcome !== 'running' || task.outcome === 'running')) return;
    const taken = known === undefined ? task : { ...task, start: known.start };
    this.node = { ...this.node, tasks: [...this.node.tasks.filter((one) => one !== known), taken] };
    for (const [key, guest] of this.state.guests) {
      const isConcerned = guest.nodeId === taken.nodeId && concerns(taken, guest.vmid);
      if (isConcerned && guest.spans.some((span) => span.last.sentAt > taken.start.earliest)) {
        this.touched.set(key, { ...(this.guest(key) ?? guest) });
      }
    }
  }

  private takeGuestTask(type: GuestType, vmid: number, task: Task): void {
    const key = guestKey(type, vmid);
    const guest = this.guest(key) ?? goneGuest(type, vmid, this.node.id, task);
    // A quiet node's newest page of the log still shows what is frozen.
    if (guest.frozenAt !== null && task.start.latest < guest.frozenAt) return;
    const known = guest.tasks.find((one) => one.upid === task.upid);
    // A finished task is frozen as read, but for first contact's (ledger rule 11); a running one is only taken anew when it has ended.
    if (known !== undefined && (known.outcome !== 'running' || task.outcome === 'running')) return;
    // The start stays as it was read while it ran: the clock may have been set since.
    const taken = known === undefined ? task : { ...task, start: known.start };
    const tasks =
      known === undefined ? [...guest.tasks, taken] : guest.tasks.map((one) => (one === known ? taken : one));
    const settlesAt = settledAt(taken);
    if (settlesAt !== null) this.pending.set(key, settlesAt);
    this.touched.set(key, { ...guest, tasks });
    if (effectsOf(task).some((effect) => effect.edge === 'start')) this.restarted.add(key);
  }

  /** What was read of guests' configs since the last poll; those of guests that nobody knows are kept for when they show. */
  takeIdentities(facts: readonly IdentityFact[]): IdentityFact[] {
    return facts.flatMap((fact) => {
      const key = guestKey(fact.type, fact.vmid);
      const guest = this.guest(key);
      if (guest === null) return [fact];
      // Taken before, where only the answer of its COMMIT was lost: one look must not count as two.
      if (guest.identities.some((known) => isSameFact(known, fact))) return [];
      const before = readingsOf(guest).at(-1);
      const judged = fact.kind === 'read' ? { ...fact, isLogComplete: this.isLogComplete(before, fact) } : fact;
      const change = judged.kind === 'read' && judged.isLogComplete ? uuidChange(before, judged) : null;
      const changes = change === null ? guest.changes : [...guest.changes, change];
      this.touched.set(key, { ...guest, identities: [...guest.identities, judged], changes });
      return [judged];
    });
  }

  private isLogComplete(before: ReadFact | undefined, after: ReadFact): boolean {
    if (before === undefined) return true;
    const between = { startedAt: before.window.earliest, endedAt: after.window.earliest };
    return coversLog(between, this.node, this.coverage);
  }

  takeList(type: GuestType, list: Seen<GuestRow[]> | null): void {
    if (list?.kind !== 'seen') return;
    const at = { sentAt: list.sentAt, receivedAt: list.receivedAt };
    const lastSeenOf = (nodeId: number): Exchange | null => this.lastSeenOf(nodeId, type);
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
        at,
        lastSample: this.samples.get(key) ?? this.state.samples.get(key) ?? null,
        lastSeenOf,
        mayHaveRun: this.restarted.has(key),
      });
      if (guest !== null && guest !== known) this.touched.set(key, this.withChanges(guest, known, list));
      if (sample !== null) this.samples.set(key, sample);
    }
    for (const key of openGuests(this.state).on(this.node.id, type)) {
      const guest = listed.has(key) ? null : this.guest(key);
      if (guest !== null) this.touched.set(key, closeAbsent(guest, this.node.lastSeen[type]));
    }
  }

  /** What changed of its profile lies between the last list that showed the guest and this one. */
  private withChanges(guest: GuestState, known: GuestState | null, list: Exchange): GuestState {
    if (known === null) return guest;
    const lastSeen = this.lastSeenOf(known.nodeId, known.type);
    const isListed = known.isOpen || known.spans.length === 0;
    const shownAt = (isListed ? lastSeen : known.spans.at(-1)?.last)?.sentAt ?? list.sentAt;
    const window = { earliest: Math.min(shownAt, list.sentAt), latest: list.receivedAt };
    const changes = profileChanges(known, guest, window);
    // Of changes that are written only resizes are needed again.
    const kept = guest.changes.filter((one) => isResize(one) || !known.changes.includes(one));
    return { ...guest, changes: [...kept, ...changes] };
  }

  private profile(row: GuestRow, key: string, known: GuestState | null): GuestProfile {
    const told = this.state.pools.get(key);
    // Where the cluster's list has not told of the guest, it keeps the pool that it had; where it told of none, it has none.
    return profileOf(row, told === undefined ? (known?.profile.pool ?? null) : told);
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
    const nodeOf = (id: number): NodeState | undefined => (id === node.id ? node : this.state.nodes.get(id));
    return [...this.touched].map(([key, touched]) => {
      const guest = frozen(touched, this.observation.finishedAt, (id) => nodeOf(id)?.tasks ?? []);
      const known = this.state.guests.get(key) ?? null;
      const before = known === null ? null : unfrozenSessions(known, guest);
      const lives = livesOf(guest);
      const isSameLife = before === null || lives.at(-1)?.id === before.lives.at(-1)?.id;
      // What a new incarnation is like is no change of the one before.
      const after = { ...guest, lives, changes: isSameLife ? guest.changes : [] };
      return { key, before, after, derived: deriveGuest(after, nodeOf, this.observation.finishedAt) };
    });
  }
}
