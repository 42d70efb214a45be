import { expect } from 'chai';
import { logHole, noCoverage } from '../../src/core/coverage.js';
import type { NodeObservation, Seen, TaskRow } from '../../src/core/observation.js';
import { commit, reconcile, type ClusterState, type PollChange, type PollContext } from '../../src/core/reconcile.js';
import { at } from './facts.js';
import { guestRow, newCluster, seen, taskRow } from './polled.js';

const INTERVAL_MS = 30_000;
/** The node's clock is ours. */
const clock = { offset: { earliest: 0, latest: 0 }, asOf: at(0), readingCount: 1, since: at(0), before: null };

interface Log {
  rows?: TaskRow[];
  metKnown?: boolean;
  isSeen?: boolean;
}

/** A look at node 1 with one guest, which runs since `startS`; `null` for stopped, `'dead'` where the node does not answer. */
function look(nowS: number, startS: number | null | 'dead', log: Log = {}): NodeObservation {
  const dead: Seen<never> = {
    kind: 'not_seen',
    reason: 'unreachable',
    detail: 'refused',
    sentAt: at(nowS),
    receivedAt: at(nowS),
  };
  const pages = { rows: log.rows ?? [], metKnown: log.metKnown ?? true, isComplete: true };
  return {
    node: 'n1',
    beganAt: at(nowS),
    finishedAt: at(nowS) + 40,
    qemu: startS === 'dead' ? dead : seen(nowS, [guestRow(104, startS, nowS)]),
    lxc: startS === 'dead' ? dead : seen(nowS, []),
    tasks: startS === 'dead' || log.isSeen === false ? dead : seen(nowS, pages),
    offset: startS === 'dead' ? null : { earliestMs: 0, latestMs: 0 },
    status: null,
  };
}

function play(state: ClusterState, polls: NodeObservation[], context: Partial<PollContext> = {}): PollChange[] {
  let nextId = 1;
  return polls.map((observation) => {
    const change = reconcile(state, observation, 1, { intervalMs: INTERVAL_MS, ...context });
    for (const guest of change.guests) {
      guest.after.spans = guest.after.spans.map((span) => ({ ...span, id: span.id ?? nextId++ }));
      guest.after.sessions = guest.derived.sessions.map((session, k) => ({ id: k + 1, guestId: 1, session }));
    }
    commit(state, change);
    return change;
  });
}

const first = taskRow('qmstart', 50, 52);
const begin = look(120, 51, { rows: [first], metKnown: false });
const isProven = (change: PollChange | undefined): boolean => (change?.gap.proven.length ?? 0) > 0;

describe('a gap that is over', () => {
  it('is proven by the same process before and after it, whatever the log says', () => {
    const changes = play(newCluster(), [begin, look(150, 'dead'), look(180, 51, { isSeen: false })]);
    expect(changes.map(isProven)).to.deep.equal([false, false, true]);
    expect(changes[2]?.gap.proven).to.deep.equal([{ startedAt: at(120), endedAt: at(180) }]);
  });

  it('is proven by a complete log that explains the change within', () => {
    const rows = [taskRow('qmstart', 160, 161), taskRow('qmstop', 140, 141)];
    const changes = play(newCluster(), [begin, look(150, 'dead'), look(180, 160.5, { rows })]);
    expect(isProven(changes[2])).to.equal(true);
  });

  it('is not proven where a guest was powered off and no log says when', () => {
    const changes = play(newCluster(), [begin, look(150, 'dead'), look(180, null), look(210, null)]);
    expect(changes.some(isProven)).to.equal(false);
  });

  it('is proven late, when the log that explains it is read', () => {
    const state = newCluster();
    const rows = [taskRow('qmstop', 140, 141)];
    const changes = play(state, [
      begin,
      look(150, 'dead'),
      look(180, null, { isSeen: false }),
      look(210, null, { rows }),
    ]);
    expect(changes.map(isProven)).to.deep.equal([false, false, false, true]);
    expect(state.coverage?.get(1)?.unproven).to.deep.equal([]);
  });

  it('is not proven by a log that rotated meanwhile, unless the process is the same', () => {
    const rows = [taskRow('qmstart', 860, 861), taskRow('qmstop', 840, 841)];
    const torn = play(newCluster(), [begin, look(150, 'dead'), look(900, 860.5, { rows, metKnown: false })]);
    expect(torn[2]?.gap.past.map(({ reason }) => reason)).to.deep.equal(['manager_down', 'log_rotated']);
    expect(torn.some(isProven)).to.equal(false);
    const same = play(newCluster(), [begin, look(150, 'dead'), look(900, 51, { rows: [], metKnown: false })]);
    expect(isProven(same[2])).to.equal(true);
  });

  it('is one of the log where a full file holds no task that is known, though none of a guest ever was', () => {
    const known = { ...noCoverage, tasksReadAt: at(150) };
    const noise = (count: number): TaskRow[] =>
      Array.from({ length: count }, (_, k) => ({ ...taskRow('vncproxy', 500 + k, 500 + k), id: '' }));
    const holeOf = (count: number): unknown =>
      logHole(known, look(900, 51, { rows: noise(count), metKnown: false }), clock, () => false);
    expect(holeOf(249)).to.equal(null);
    expect(holeOf(600)).to.deep.equal({ startedAt: at(150), endedAt: Math.floor(at(0) / 1000) * 1000 + 500_000 });
  });
});

describe('a stretch without a poll of a node', () => {
  it('is the manager’s own where it polled no other node either', () => {
    const [, change] = play(newCluster(), [begin, look(600, 51)], { clusterPolls: [at(595)] });
    expect(change?.gap.past).to.deep.include({
      startedAt: at(120),
      endedAt: at(600),
      reason: 'manager_down',
      detail: 'no poll was running',
    });
  });

  it('is not the manager’s own where other nodes were polled all the while', () => {
    const clusterPolls = Array.from({ length: 16 }, (_, k) => at(125 + 30 * k));
    const [, change] = play(newCluster(), [begin, look(600, 51)], { clusterPolls });
    expect(change?.gap.past.map(({ reason }) => reason)).to.deep.equal(['unreachable']);
  });
});

describe('a hole in the task log', () => {
  const coverage = { ...noCoverage, tasksReadAt: at(100) };
  const pages = (rows: TaskRow[], metKnown: boolean) => look(900, 51, { rows, metKnown });
  const tables: [title: string, observation: NodeObservation, isAnyKnown: boolean, hole: number[] | null][] = [
    ['is none where the reading met a known task', pages([taskRow('qmstop', 800, 801)], true), true, null],
    ['is none at first contact, where nothing is known', pages([taskRow('qmstop', 800, 801)], false), false, null],
    [
      'is none where the log reaches back before the last reading',
      pages([taskRow('qmstop', 90, 95)], false),
      true,
      null,
    ],
    [
      'reaches from the last reading to the oldest task’s end',
      pages([taskRow('qmstop', 800, 801)], false),
      true,
      [100, 801],
    ],
    ['reaches to the poll where the log is empty', pages([], false), true, [100, 900]],
  ];
  for (const [title, observation, isAnyKnown, expected] of tables) {
    it(title, () => {
      const hole = logHole(coverage, observation, clock, () => isAnyKnown);
      const [startedAt, endedAt] = (expected ?? []).map(at);
      expect(hole).to.deep.equal(expected === null ? null : { startedAt, endedAt });
    });
  }
});
