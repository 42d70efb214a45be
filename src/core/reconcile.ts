import type { ClusterState, GuestChange } from './cluster-state.js';
import type { NodeCoverage } from './coverage.js';
import type { GapChange } from './gap.js';
import type { LastSamples } from './guest.js';
import type { IdentityFact } from './identity.js';
import { managerStepMs, steppedNode } from './manager-clock.js';
import { clockStepped, withClockAndBoot, type NodeState } from './node-state.js';
import type { NodeObservation } from './observation.js';
import { openGuests } from './open-guests.js';
import type { StateSample } from './pause-span.js';
import { gapsOf, logOf, type PollContext } from './poll-gaps.js';
import { Round } from './round.js';
import type { Window } from './window.js';

export type { ClusterState, GuestChange } from './cluster-state.js';
export type { PollContext } from './poll-gaps.js';
export { deriveGuest } from './derive-guest.js';

/** All that one poll changes; nothing of it is true before it is written. */
export interface PollChange {
  node: NodeState;
  observation: NodeObservation;
  guests: GuestChange[];
  samples: LastSamples;
  states: Map<string, StateSample>;
  /** When this poll showed the states of all VMs of the node; null where it did not. */
  statesSeen: Window | null;
  pending: Map<string, number>;
  gap: GapChange;
  coverage: NodeCoverage;
  /** To be stored, each with what the log said of its time. */
  identities: IdentityFact[];
  isClockStepped: boolean;
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
  const stepMs = managerStepMs(context.clockStepMs ?? 0, before, observation.offset);
  const known = stepMs === 0 ? before : steppedNode(before, stepMs);
  const timed = withClockAndBoot(known, observation);
  const { hole, log } = logOf(state, timed, observation);
  const round = new Round(state, timed, observation, stepMs, log);
  round.takeBackfill();
  round.takeTasks();
  round.takeJournal();
  round.takeRrd();
  const identities = round.takeIdentities(context.identities ?? []);
  round.takePending();
  for (const type of ['qemu', 'lxc'] as const) round.takeList(type, observation[type]);
  round.takeStates();
  const after = round.closeNode(known);
  const guests = round.derived(after);
  const { gap, coverage } = gapsOf(
    state,
    before,
    after,
    observation,
    { ...context, clockStepMs: stepMs },
    guests,
    hole,
  );
  return {
    node: { ...after, gap: gap.opened ?? (gap.closedAt === null ? before.gap : null) },
    observation,
    guests,
    samples: round.samples,
    states: round.states,
    statesSeen: after.statesSeen === before.statesSeen ? null : after.statesSeen,
    pending: round.pending,
    gap,
    coverage,
    identities,
    isClockStepped: stepMs === 0 && clockStepped(before, after),
  };
}

/** Takes written guests over into the state. */
export function commitGuests(state: ClusterState, guests: readonly GuestChange[]): void {
  const open = (state.open ??= openGuests(state));
  for (const { key, after } of guests) {
    open.move(key, state.guests.get(key) ?? null, after);
    state.guests.set(key, after);
  }
}

/** Takes a written change over into the state. The ids of new rows were put into it by the writer. */
export function commit(state: ClusterState, change: PollChange): void {
  state.nodes.set(change.node.id, change.node);
  (state.coverage ??= new Map()).set(change.node.id, change.coverage);
  commitGuests(state, change.guests);
  for (const [key, sample] of change.samples) state.samples.set(key, sample);
  for (const [key, sample] of change.states) (state.states ??= new Map()).set(key, sample);
  for (const [key, at] of change.pending) {
    if (at <= change.observation.finishedAt) state.pending.delete(key);
    else state.pending.set(key, at);
  }
}
