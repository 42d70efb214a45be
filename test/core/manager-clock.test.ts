import { expect } from 'chai';
import type { NodeObservation } from '../../src/core/observation.js';
import { commit, reconcile, type ClusterState, type PollChange } from '../../src/core/reconcile.js';
import { at } from './facts.js';
import { guestRow, newCluster, seen } from './polled.js';

/** A poll at a true second, by a manager whose clock is off by `offS`, of a guest that truly started at `startS`; null: it is stopped. */
interface Look {
  trueS: number;
  offS: number;
  startS: number | null;
  /** By how much the two clocks of the manager went apart; the step where it is left out. */
  aheadS?: number;
}

function observationOf({ trueS, offS, startS }: Look): NodeObservation {
  const sentAt = at(trueS + offS);
  const lookS = trueS + offS;
  const row = guestRow(104, startS, trueS);
  return {
    node: 'n1',
    beganAt: sentAt,
    finishedAt: sentAt + 40,
    qemu: seen(lookS, [row]),
    lxc: seen(lookS, []),
    tasks: seen(lookS, { rows: [], metKnown: true, isComplete: true }),
    // The node's clock is true: what it differs by is our own error.
    offset: { earliestMs: -offS * 1000 - 200, latestMs: -offS * 1000 + 200 },
    status: seen(lookS, { uptimeS: Math.floor(trueS + 100_000), version: '9.2' }),
  };
}

function watch(looks: Look[]): { state: ClusterState; changes: PollChange[] } {
  const state = newCluster([1]);
  let nextId = 1;
  const changes = looks.map((look, k) => {
    const aheadS = look.aheadS ?? look.offS - (looks[k - 1]?.offS ?? look.offS);
    const change = reconcile(state, observationOf(look), 1, { intervalMs: 30_000, clockStepMs: aheadS * 1000 });
    for (const { after, derived } of change.guests) {
      after.spans = after.spans.map((span) => ({ ...span, id: span.id ?? nextId++ }));
      after.sessions = derived.sessions.map((session, n) => ({ id: n + 1, guestId: 1, session }));
    }
    commit(state, change);
    return change;
  });
  return { state, changes };
}

const sessionsOf = (state: ClusterState) => (state.guests.get('qemu/104')?.sessions ?? []).map((one) => one.session);

/** Polls every 30 s from `fromS` on, the clock off by `offS`. */
function looks(fromS: number, count: number, offS: number, startS: number | null): Look[] {
  return Array.from({ length: count }, (_, k) => ({ trueS: fromS + 30.3 * k, offS, startS }));
}

describe('the manager’s own clock', () => {
  for (const stepS of [7, -7, 3600, -3600, 90_000, -90_000]) {
    it(`keeps the session of a process through a step of ${stepS} s, and records it`, () => {
      const { state, changes } = watch([...looks(200, 4, 0, 100), ...looks(330, 4, stepS, 100)]);
      expect(sessionsOf(state).map((one) => one.end)).to.deep.equal([null]);
      const recorded = changes.flatMap((change) => change.gap.past.filter((gap) => gap.reason === 'clock_step'));
      expect(recorded).to.have.length(1);
      expect(recorded[0]?.detail).to.include(`${Math.abs(stepS)}.0 s`);
      const start = sessionsOf(state)[0]?.start;
      expect(at(100 + stepS)).to.be.within(start?.earliest ?? Infinity, start?.latest ?? 0);
    });

    it(`widens an end that lies around a step of ${stepS} s, and goes on in order`, () => {
      const { state } = watch([
        ...looks(200, 4, 0, 100),
        ...looks(330, 2, stepS, null),
        ...looks(420, 3, stepS, 400),
        ...looks(520, 2, stepS, null),
      ]);
      const [first, ...others] = sessionsOf(state);
      const end = first?.end;
      // The guest stopped at the 310th second, by the new clock.
      expect(at(310 + stepS)).to.be.within(end?.earliest ?? Infinity, end?.latest ?? 0);
      expect(first?.start.at).to.be.at.most(end?.at ?? 0);
      expect(others.length).to.be.at.least(1);
      expect(others.at(-1)?.end).to.not.equal(null);
    });
  }

  it('records nothing where the manager slept: its nodes’ clocks agree with it as before', () => {
    const { state, changes } = watch([
      ...looks(200, 4, 0, 100),
      { trueS: 4000, offS: 0, startS: 100, aheadS: 3600 },
      ...looks(4030, 2, 0, 100),
    ]);
    expect(changes.flatMap((change) => change.gap.past.map((gap) => gap.reason))).to.deep.equal(['manager_down']);
    expect(sessionsOf(state).map((one) => one.end)).to.deep.equal([null]);
  });

  it('records nothing where the clocks go apart by less than a second', () => {
    const { changes } = watch([...looks(200, 4, 0, 100), ...looks(330, 2, 0.9, 100)]);
    expect(changes.flatMap((change) => change.gap.past)).to.deep.equal([]);
  });
});
