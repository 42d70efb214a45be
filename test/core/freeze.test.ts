import { expect } from 'chai';
import { frozen, HORIZON_MS } from '../../src/core/freeze.js';
import { newGuest, type GuestState } from '../../src/core/guest.js';
import { newNodeState, type NodeState } from '../../src/core/node-state.js';
import type { Session } from '../../src/core/session.js';
import { deriveGuest } from '../../src/core/derive-guest.js';
import { at, running, stopped, task } from './facts.js';

const dayS = 86_400;
const profile = { name: 'vm', cores: 2, memoryBytes: 2 ** 30, tags: null, pool: null, isTemplate: false };
const node: NodeState = { ...newNodeState(1, 'n1'), coverageSince: at(-1000) };
const nodeOf = (): NodeState => node;

/** A guest that ran eight hours of each of `days` days, started and stopped by tasks, and is off since. */
function daily(days: number): GuestState {
  const guest = newGuest('qemu', 104, { nodeId: 1, firstSeenAt: at(0), profile });
  for (let day = 0; day < days; day += 1) {
    const s = day * dayS;
    guest.tasks.push(task('qmstart', s + 28_800, s + 28_802), task('qmstop', s + 57_600, s + 57_603));
    guest.spans.push(
      stopped(s + 15, s + 28_785),
      running(s + 28_801, [s + 28_830, s + 57_585]),
      stopped(s + 57_615, s + 86_385),
    );
  }
  return { ...guest, ...stored(deriveGuest(guest, nodeOf, at(days * dayS)).sessions) };
}

function stored(sessions: Session[]): Pick<GuestState, 'sessions'> {
  return { sessions: sessions.map((session, k) => ({ id: k + 1, guestId: 1, session })) };
}

describe('facts beyond the horizon', () => {
  it('are left out, and what is left derives the same sessions', () => {
    const guest = daily(200);
    const now = at(200 * dayS);
    const kept = frozen(guest, now);
    expect(guest.sessions).to.have.length(200);
    expect(kept.frozenAt).to.be.within(now - HORIZON_MS - dayS * 1000, now - HORIZON_MS);
    const again = deriveGuest(kept, nodeOf, now).sessions;
    expect(again).to.deep.equal(guest.sessions.slice(-again.length).map((one) => one.session));
    expect(kept.sessions.map((one) => one.session)).to.deep.equal(again);
    expect(again.length).to.be.within(40, 41);
  });

  it('cost as much after ten years as after three months', () => {
    const sizeOf = (days: number): number[] => {
      const { spans, tasks, sessions } = frozen(daily(days), at(days * dayS));
      return [spans.length, tasks.length, sessions.length];
    };
    expect(sizeOf(3650)).to.deep.equal(sizeOf(90));
  });

  it('stay where the guest ran on without a stop, however long ago that began', () => {
    const guest = newGuest('qemu', 104, { nodeId: 1, firstSeenAt: at(0), profile });
    guest.spans.push(stopped(10, 90), running(100, [130, 300 * dayS]));
    guest.tasks.push(task('qmstart', 99, 101));
    const open = { ...guest, isOpen: true, ...stored(deriveGuest(guest, nodeOf, at(300 * dayS)).sessions) };
    const kept = frozen(open, at(300 * dayS));
    expect(deriveGuest(kept, nodeOf, at(300 * dayS)).sessions).to.deep.equal(open.sessions.map((one) => one.session));
    expect(kept.sessions).to.have.length(1);
  });

  it('are never cut where a task was under way', () => {
    const guest = newGuest('qemu', 104, { nodeId: 1, firstSeenAt: at(0), profile });
    guest.spans.push(running(0, [20, 40]), stopped(60), running(70, [100, 50 * dayS]));
    guest.tasks.push(task('qmstop', 45, 47), task('qmstart', 55, 72));
    expect(frozen(guest, at(60 * dayS))).to.equal(guest);
  });

  it('within the horizon are all kept', () => {
    const guest = daily(30);
    expect(frozen(guest, at(30 * dayS))).to.equal(guest);
  });
});
