import type { GuestChange } from './cluster-state.js';
import { coversLog } from './coverage.js';
import { deriveGuest } from './derive-guest.js';
import { frozen, unfrozenSessions } from './freeze.js';
import { guestKey, type GuestState } from './guest.js';
import { isSameFact, readingsOf, uuidChange, type IdentityFact, type ReadFact } from './identity.js';
import { livesOf } from './lives.js';
import type { NodeState } from './node-state.js';
import type { Exchange, GuestRow, GuestType, Seen } from './observation.js';
import { openGuests } from './open-guests.js';
import type { StateSample } from './pause-span.js';
import { isResize, profileChanges } from './profile.js';
import { RoundLog } from './round-log.js';
import { takenStates } from './run-state.js';
import { applyRow, closeAbsent } from './sample.js';

/** One poll of one node on its way through the state, which it leaves as it is: offsets and boots, then tasks, then samples. */
export class Round extends RoundLog {
  readonly states = new Map<string, StateSample>();

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
        pool: this.poolOf(key, known),
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

  /** Which of the VMs that the list shows running are paused (ledger rule 17). */
  takeStates(): void {
    const { guests, seen } = takenStates({
      node: this.node,
      observation: this.observation,
      guestOf: (key) => this.guest(key),
      toldOf: (key) => this.state.told?.get(key) ?? null,
      sampleOf: (key) => this.samples.get(key) ?? null,
      lastOf: (key) => this.state.states?.get(key) ?? null,
    });
    for (const { key, before, after, last } of guests) {
      this.states.set(key, last);
      if (after !== before) this.touched.set(key, after);
    }
    const { statesSeen } = this.node;
    if (seen !== null && seen.earliest > (statesSeen?.earliest ?? 0)) this.node = { ...this.node, statesSeen: seen };
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

  private poolOf(key: string, known: GuestState | null): string | null {
    const told = this.state.pools.get(key);
    // Where the cluster's list has not told of the guest, it keeps the pool that it had; where it told of none, it has none.
    return told === undefined ? (known?.profile.pool ?? null) : told;
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
