import { convertedAnew } from './backfill.js';
import type { ClusterState } from './cluster-state.js';
import { noCoverage, type NodeCoverage } from './coverage.js';
import { goneGuest, guestKey, type GuestState, type LastSamples } from './guest.js';
import { withMarks } from './journal-marks.js';
import { steppedGuest, steppedSample } from './manager-clock.js';
import { stampWindow } from './node-clock.js';
import { bootByTask, bootsWith, taskFrom, type NodeState } from './node-state.js';
import type { Exchange, GuestType, NodeObservation } from './observation.js';
import { withBins } from './rrd-marks.js';
import { concerns, effectsOf, EVIDENCE_TYPES, guestTypeOf, settledAt, type Task } from './task.js';

/** What a node's log, journal and rrd data add in one poll to what is known; the state stays as it is. */
export class RoundLog {
  readonly samples: LastSamples = new Map();
  protected readonly touched = new Map<string, GuestState>();
  protected readonly restarted = new Set<string>();
  /** Guests to derive again, and when (see ClusterState.pending). */
  readonly pending = new Map<string, number>();

  constructor(
    protected readonly state: ClusterState,
    protected node: NodeState,
    protected readonly observation: NodeObservation,
    /** How far the manager's clock was set since the node's last poll. */
    private readonly stepMs = 0,
    /** Of this node's log, as of this poll. */
    protected readonly coverage: NodeCoverage = noCoverage,
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

  protected lastSeenOf(nodeId: number, type: GuestType): Exchange | null {
    return (nodeId === this.node.id ? this.node : this.state.nodes.get(nodeId))?.lastSeen[type] ?? null;
  }

  protected guest(key: string): GuestState | null {
    return this.touched.get(key) ?? this.state.guests.get(key) ?? null;
  }

  /** What first contact read back, while the clock still narrows. */
  takeBackfill(): void {
    const guests = (): GuestState[] => [...this.state.guests].map(([key, guest]) => this.guest(key) ?? guest);
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
}
