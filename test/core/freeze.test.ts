import { expect } from 'chai';
import { frozen, HORIZON_MS } from '../../src/core/freeze.js';
import { newGuest, type GuestState } from '../../src/core/guest.js';
import { newNodeState, type NodeState } from '../../src/core/node-state.js';
import type { Task } from '../../src/core/task.js';
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

/** One day's process: the guest was restarted at its beginning, with or without a task that says so. */
function restart(day: number, isTask: boolean): Pick<GuestState, 'spans' | 'tasks'> {
  const s = day * dayS;
  return {
    spans: [running(s + 5, [s + 20.3, s + 50.6, s + 81, s + dayS - 12], { pid: 1000 + day })],
    tasks: isTask && day > 0 ? [task('qmreboot', s + 2, s + 4), task('qmstart', s + 4, s + 6)] : [],
  };
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

  it('cost as much after ten years as after three months', function () {
    this.timeout(120_000);
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

  for (const [title, reboots] of [
    ['restarted behind our back', false],
    ['rebooted by tasks', true],
  ] as const) {
    it(`are left out of a guest that was ${title} every day and never seen stopped, for ten years`, function () {
      this.timeout(120_000);
      const derivedFrom = (guest: GuestState, day: number) => deriveGuest(guest, nodeOf, at(day * dayS)).sessions;
      let whole = newGuest('qemu', 104, { nodeId: 1, firstSeenAt: at(0), profile });
      let kept = whole;
      const sizes: number[] = [];
      let passed: Session[] = [];
      for (let day = 0; day < 3650; day += 1) {
        const s = day * dayS;
        const facts = restart(day, reboots);
        // All of it is derived for a hundred days, to be compared with what is left of it.
        if (day < 100) {
          whole = { ...whole, spans: [...whole.spans, ...facts.spans], tasks: [...whole.tasks, ...facts.tasks] };
          whole = { ...whole, ...stored(derivedFrom(whole, day + 1)) };
        }
        const next = { ...kept, spans: [...kept.spans, ...facts.spans], tasks: [...kept.tasks, ...facts.tasks] };
        const before = next.sessions;
        kept = frozen(next, at(s + dayS));
        passed = [...passed, ...before.filter((one) => !kept.sessions.includes(one)).map((one) => one.session)];
        kept = { ...kept, ...stored(derivedFrom(kept, day + 1)) };
        sizes.push(kept.spans.length + kept.tasks.length + kept.sessions.length);
        if (day === 99) {
          const now = kept.sessions.map((one) => one.session);
          expect([...passed, ...now]).to.deep.equal(whole.sessions.map((one) => one.session));
        }
      }
      expect(sizes[3649]).to.equal(sizes[90]);
      expect(kept.sessions.length).to.be.within(40, 42);
      expect(passed.length + kept.sessions.length).to.equal(3650);
    });
  }

  it('stay where a backup of the whole node was under way as the process began', () => {
    const guest = newGuest('qemu', 104, { nodeId: 1, firstSeenAt: at(0), profile });
    for (const day of [0, 1, 2]) guest.spans.push(...restart(day, false).spans);
    const known = { ...guest, ...stored(deriveGuest(guest, nodeOf, at(3 * dayS)).sessions) };
    const backup = (startS: number, endS: number) => [{ ...task('vzdump', startS, endS), vmid: null }];
    const cutWith = (tasks: Task[]) => frozen(known, at(60 * dayS), () => tasks).spans.length;
    expect(cutWith([])).to.equal(1);
    expect(cutWith(backup(2 * dayS - 100, 2 * dayS + 3600))).to.equal(2);
    expect(cutWith(backup(2 * dayS - 100, 2 * dayS - 50))).to.equal(1);
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
