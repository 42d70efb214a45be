import type { Clock } from '../clock.js';
import { guestKey, type GuestState } from '../core/guest.js';
import { isClone, needsAbsenceCheck, needsReading, type IdentityFact } from '../core/identity.js';
import type { Task } from '../core/task.js';
import type { Database } from '../ledger/database.js';
import { readClones } from '../ledger/stores/identities.js';
import { fetchClonedVmid } from '../proxmox/clone-log.js';
import { fetchIdentity } from '../proxmox/cluster.js';
import type { AppliedPoll } from './cluster-ledger.js';
import type { Member } from './member.js';

/** Requests for identities that a node answers at a time; its polls come first. */
const AT_ONCE = 2;
/** What was not answered is asked again so much later, and so much later where the token may not. */
const AGAIN_MS = 5 * 60_000;
const REFUSED_MS = 3_600_000;

type Question =
  { kind: 'config'; guest: GuestState } | { kind: 'absence'; guest: GuestState } | { kind: 'clone'; task: Task };

/** What is asked of one node beside its polls. */
interface NodeWork {
  queue: Question[];
  runningCount: number;
  /** Keys of questions that wait or are under way, and until when others rest. */
  busy: Set<string>;
  restUntil: Map<string, number>;
  /** Clones whose logs were read. */
  clones: Set<string> | null;
  /** True where every guest is to be looked at after the next poll. */
  isDueForAll: boolean;
  /** Guests to look at after the next poll, changed or not. */
  watched: Set<string>;
  found: IdentityFact[];
}

/**
 * Reads who guests are (ledger rule 19): beside the polls, two requests a node at a time, so that no session waits for a config.
 * What is found goes into the ledger with the node's next poll.
 */
export class IdentityReader {
  private readonly work = new Map<number, NodeWork>();
  private readonly running = new Set<Promise<void>>();

  constructor(
    private readonly parts: { clock: Clock; db: Database },
    /** The nodes of a cluster that can be asked. */
    private readonly membersOf: (clusterId: number) => Member[],
  ) {}

  /** What was found since the last poll of the node; to be given back where it could not be written. */
  take(member: Member): IdentityFact[] {
    return this.workOf(member).found.splice(0);
  }

  /** Whether they were written is not known where only the answer was lost: then each is taken once all the same. */
  giveBack(member: Member, facts: readonly IdentityFact[]): void {
    const work = this.workOf(member);
    work.found.unshift(...facts);
    work.isDueForAll = true;
  }

  /** True where something was read that no poll of the node has taken yet. */
  hasFound(member: Member): boolean {
    return this.workOf(member).found.length > 0;
  }

  /** Asks for what a written poll made worth asking; returns at once, and what fails is asked again later. */
  ask(member: Member, applied: AppliedPoll): void {
    const asking = this.look(member, applied)
      .catch(() => undefined)
      .finally(() => this.running.delete(asking));
    this.running.add(asking);
  }

  private async look(member: Member, { guests, change }: AppliedPoll): Promise<void> {
    const work = this.workOf(member);
    const { state } = member.ledger;
    const isForAll = work.isDueForAll || change === null;
    work.isDueForAll = false;
    work.clones ??= new Set(await readClones(this.parts.db.writer, member.nodeId));
    // After a start, and where an answer was lost, every guest is looked at once; then those that changed or wait for an answer.
    const keys = isForAll ? state.guests.keys() : [...guests.map(({ change }) => change.key), ...work.watched];
    work.watched = new Set();
    for (const key of new Set(keys)) {
      const guest = state.guests.get(key);
      if (guest !== undefined) this.consider(member, work, key, guest);
    }
    this.pump(member, work);
  }

  /** Resolves when nothing is being asked: for tests, and before the process ends. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }

  private consider(member: Member, work: NodeWork, key: string, guest: GuestState): void {
    for (const task of guest.tasks) {
      if (isClone(task) && task.nodeId === member.nodeId && work.clones?.has(task.upid) === false) {
        this.enqueue(work, task.upid, { kind: 'clone', task });
        work.watched.add(key);
      }
    }
    if (guest.nodeId !== member.nodeId) return;
    const lastSeenAt = member.ledger.state.nodes.get(member.nodeId)?.lastSeen[guest.type]?.sentAt ?? null;
    const isAbsent = needsAbsenceCheck(guest, lastSeenAt);
    if (!isAbsent && !needsReading(guest)) return;
    work.watched.add(key);
    this.enqueue(work, key, { kind: isAbsent ? 'absence' : 'config', guest });
  }

  private enqueue(work: NodeWork, key: string, question: Question): void {
    if (work.busy.has(key) || (work.restUntil.get(key) ?? 0) > this.parts.clock.now()) return;
    work.busy.add(key);
    work.queue.push(question);
  }

  private pump(member: Member, work: NodeWork): void {
    while (work.runningCount < AT_ONCE) {
      const question = work.queue.shift();
      if (question === undefined) return;
      work.runningCount += 1;
      const key = question.kind === 'clone' ? question.task.upid : guestKey(question.guest.type, question.guest.vmid);
      const asking = this.answer(member, work, key, question)
        // A fault of ours must not end the process: the guest is looked at again later.
        .catch(() => this.rest(work, key, AGAIN_MS))
        .finally(() => {
          work.busy.delete(key);
          work.runningCount -= 1;
          this.running.delete(asking);
          this.pump(member, work);
        });
      this.running.add(asking);
    }
  }

  private rest(work: NodeWork, key: string, forMs: number): void {
    work.restUntil.set(key, this.parts.clock.now() + forMs);
  }

  private async answer(member: Member, work: NodeWork, key: string, question: Question): Promise<void> {
    switch (question.kind) {
      case 'config':
        return this.readConfig(member, work, key, question.guest);
      case 'absence':
        return this.readAbsence(member, work, key, question.guest);
      case 'clone':
        return this.readClone(member, work, key, question.task);
    }
  }

  private async readConfig(member: Member, work: NodeWork, key: string, guest: GuestState): Promise<void> {
    const [route] = member.routes;
    if (route === undefined) return;
    const { type, vmid, nodeId } = guest;
    const answer = await fetchIdentity(route.api, member.node, type, vmid, this.parts.clock);
    // Gone in between: the next list says so.
    if (answer.kind === 'gone') return;
    if (answer.kind === 'not_seen') {
      this.rest(work, key, answer.reason === 'permission_lost' ? REFUSED_MS : AGAIN_MS);
      return;
    }
    const window = { earliest: answer.sentAt, latest: answer.receivedAt };
    work.found.push({ kind: 'read', type, vmid, nodeId, window, identity: answer.value, isLogComplete: true });
  }

  /** Gone is what every member says does not exist; an answer that is none, or a refusal, proves nothing (ledger rule 18). */
  private async readAbsence(member: Member, work: NodeWork, key: string, guest: GuestState): Promise<void> {
    const { type, vmid, nodeId } = guest;
    const earliest = this.parts.clock.now();
    for (const other of this.membersOf(member.ledger.clusterId)) {
      const [route] = other.routes;
      if (route === undefined) return;
      const answer = await fetchIdentity(route.api, other.node, type, vmid, this.parts.clock);
      if (answer.kind === 'gone') continue;
      if (answer.kind === 'not_seen') this.rest(work, key, answer.reason === 'permission_lost' ? REFUSED_MS : 0);
      return;
    }
    work.found.push({ kind: 'gone', type, vmid, nodeId, window: { earliest, latest: this.parts.clock.now() } });
  }

  private async readClone(member: Member, work: NodeWork, key: string, task: Task): Promise<void> {
    const [route] = member.routes;
    if (route === undefined) return;
    const answer = await fetchClonedVmid(route.api, member.node, task.upid, this.parts.clock);
    if (answer.kind === 'not_seen') {
      this.rest(work, key, answer.reason === 'permission_lost' ? REFUSED_MS : AGAIN_MS);
      return;
    }
    work.clones?.add(task.upid);
    if (answer.value === null) return;
    const type = task.type === 'vzclone' ? 'lxc' : 'qemu';
    const fact = { type, vmid: answer.value, nodeId: task.nodeId, window: task.start } as const;
    work.found.push({ ...fact, kind: 'cloned', upid: task.upid });
  }

  private workOf({ nodeId }: Member): NodeWork {
    const known = this.work.get(nodeId);
    if (known !== undefined) return known;
    const made: NodeWork = {
      queue: [],
      runningCount: 0,
      busy: new Set(),
      restUntil: new Map(),
      clones: null,
      isDueForAll: true,
      watched: new Set(),
      found: [],
    };
    this.work.set(nodeId, made);
    return made;
  }
}
