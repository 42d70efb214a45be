import { expect } from 'chai';
import fc from 'fast-check';
import { newNodeState } from '../../src/core/node-state.js';
import type { NodeObservation, TaskRow } from '../../src/core/observation.js';
import { commit, reconcile, type ClusterState } from '../../src/core/reconcile.js';
import type { Task } from '../../src/core/task.js';
import { BASE } from './facts.js';

const INTERVAL_MS = 30_000;
const TRIP_MS = 20;

interface TrueTask {
  beganAt: number;
  endedAt: number;
  row: TaskRow;
}

/** A node with a clock of its own: wall = ours + offset (+ a step from `stepAt` on), boot time exact but for its rate. */
interface World {
  offsetMs: number;
  rate: number;
  bootedAt: number;
  stepAt: number;
  stepMs: number;
}

const wall = (world: World, at: number): number =>
  at + world.offsetMs + (at - BASE) * world.rate + (at >= world.stepAt ? world.stepMs : 0);

function taskOf(world: World, k: number, beganAt: number, lastsMs: number): TrueTask {
  const endedAt = beganAt + lastsMs;
  const row: TaskRow = {
    upid: `UPID:n1:${k}`,
    node: 'n1',
    pid: k,
    pstart: Math.floor(((beganAt - world.bootedAt) * (1 + world.rate)) / 10),
    startTimeS: Math.floor(wall(world, beganAt) / 1000),
    type: k % 2 === 0 ? 'qmstart' : 'qmstop',
    id: '104',
    user: 'a@pve',
    endTimeS: Math.floor(wall(world, endedAt) / 1000),
    status: 'OK',
  };
  return { beganAt, endedAt, row };
}

/** The poll at `at`, its clock read from a Date header of whole seconds somewhere within the trip. */
function look(world: World, at: number, tasks: TaskRow[], hasStatus: boolean): NodeObservation {
  const sentAt = at;
  const receivedAt = at + TRIP_MS;
  const dateMs = Math.floor(wall(world, at + TRIP_MS / 2) / 1000) * 1000;
  const uptimeS = Math.floor(((at + TRIP_MS / 2 - world.bootedAt) * (1 + world.rate)) / 1000);
  const seen = <T>(value: T) => ({ kind: 'seen' as const, sentAt, receivedAt, value });
  return {
    node: 'n1',
    beganAt: sentAt,
    finishedAt: receivedAt,
    qemu: seen([]),
    lxc: seen([]),
    tasks: seen({ rows: tasks, metKnown: tasks.length === 0, isComplete: true }),
    offset: { earliestMs: dateMs - receivedAt, latestMs: dateMs + 999 - sentAt },
    status: hasStatus ? seen({ uptimeS, version: null }) : null,
  };
}

function begin(): ClusterState {
  const nodes = new Map([[1, newNodeState(1, 'n1')]]);
  return { nodes, guests: new Map(), samples: new Map(), pools: new Map(), pending: new Map() };
}

/** The windows of the tasks after each of so many polls, spread over the fractions of a second as the schedule does. */
function play(world: World, told: readonly TrueTask[], polls: number, late: (k: number) => TaskRow[] = () => []) {
  const state = begin();
  return Array.from({ length: polls }, (_, k) => {
    const at = BASE + k * INTERVAL_MS + Math.floor(((k * 0.618_033_988_749_895) % 1) * 1000);
    const rows = k === 0 ? told.map(({ row }) => row) : late(k);
    const change = reconcile(state, look(world, at, rows, k % 10 === 0), 1, { intervalMs: INTERVAL_MS });
    for (const guest of change.guests) {
      guest.after.sessions = guest.derived.sessions.map((session, n) => ({ id: n + 1, guestId: 1, session }));
    }
    commit(state, change);
    return new Map((state.guests.get('qemu/104')?.tasks ?? []).map((task) => [task.upid, task]));
  });
}

const width = ({ start, end }: Task): number =>
  start.latest - start.earliest + (end?.latest ?? 0) - (end?.earliest ?? 0);

const worlds = fc.record({
  // Held by NTP, or off by so much that no reading can take it for one that is.
  offsetMs: fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: 1500, max: 9000 })),
  upHours: fc.integer({ min: 1, max: 2000 }),
  ppm: fc.integer({ min: 0, max: 90 }),
  ages: fc.array(
    fc.record({
      share: fc.double({ min: 0.01, max: 0.95, noNaN: true }),
      lastsMs: fc.integer({ min: 0, max: 90_000 }),
    }),
    {
      minLength: 1,
      maxLength: 8,
    },
  ),
});

function worldOf({ offsetMs, upHours, ppm }: { offsetMs: number; upHours: number; ppm: number }): World {
  // A clock that NTP holds does not run off.
  const rate = Math.abs(offsetMs) <= 40 ? 0 : ppm * 1e-6;
  return { offsetMs, rate, bootedAt: BASE - upHours * 3_600_000, stepAt: Infinity, stepMs: 0 };
}

function tasksOf(world: World, ages: readonly { share: number; lastsMs: number }[]): TrueTask[] {
  return ages.map(({ share, lastsMs }, k) => {
    const beganAt = BASE - Math.floor((BASE - world.bootedAt) * share);
    return taskOf(world, k, beganAt, Math.min(lastsMs, BASE - beganAt - 5_000));
  });
}

describe('what first contact reads back', () => {
  it('is only ever narrowed while the clock narrows, and holds the truth at each poll', () => {
    fc.assert(
      fc.property(worlds, (thrown) => {
        const world = worldOf(thrown);
        const told = tasksOf(world, thrown.ages);
        const after = play(world, told, 14);
        for (const [k, tasks] of after.entries()) {
          for (const { row, beganAt, endedAt } of told) {
            const task = tasks.get(row.upid);
            const before = after[k - 1]?.get(row.upid) ?? task;
            expect(beganAt).to.be.within(task?.start.earliest ?? NaN, task?.start.latest ?? NaN);
            expect(endedAt).to.be.within(task?.end?.earliest ?? NaN, task?.end?.latest ?? NaN);
            expect(task?.start.earliest).to.be.at.least(before?.start.earliest ?? NaN);
            expect(task?.start.latest).to.be.at.most(before?.start.latest ?? NaN);
            expect(task?.end?.earliest).to.be.at.least(before?.end?.earliest ?? NaN);
            expect(task?.end?.latest).to.be.at.most(before?.end?.latest ?? NaN);
          }
        }
        expect(after[13]).to.deep.equal(after[11]);
      }),
    );
  });

  it('is told to little more than the second of its stamps once the dozen is full', () => {
    const world = worldOf({ offsetMs: 20, upHours: 100, ppm: 0 });
    const [task] = tasksOf(world, [{ share: 0.001, lastsMs: 40_000 }]);
    if (task === undefined) throw new Error('no task');
    const after = play(world, [task], 13).map((tasks) => tasks.get(task.row.upid)?.end ?? null);
    const widths = after.map((end) => (end === null ? NaN : end.latest - end.earliest));
    expect(widths[0]).to.be.above(1_900);
    expect(widths[12]).to.be.below(1_300);
  });

  it('is left as it is once the clock was set, and by polls after the first dozen', () => {
    fc.assert(
      fc.property(
        worlds,
        fc.integer({ min: 1, max: 11 }),
        fc.integer({ min: 2_500, max: 900_000 }),
        (thrown, k, stepMs) => {
          const world = { ...worldOf(thrown), stepAt: BASE + k * INTERVAL_MS - 5_000, stepMs };
          const told = tasksOf(world, thrown.ages);
          const after = play(world, told, 30);
          for (const later of after.slice(k)) expect(later).to.deep.equal(after[k - 1]);
          for (const { row, endedAt } of told) {
            const end = after[29]?.get(row.upid)?.end;
            expect(endedAt).to.be.within(end?.earliest ?? NaN, end?.latest ?? NaN);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is the backfilled alone: a task read later stays as first read', () => {
    const world = worldOf({ offsetMs: 20, upHours: 100, ppm: 0 });
    const told = tasksOf(world, [{ share: 0.001, lastsMs: 40_000 }]);
    const late = taskOf(world, 7, BASE + INTERVAL_MS + 3_000, 2_000);
    const after = play(world, told, 13, (k) => (k === 2 ? [late.row] : []));
    expect(after[12]?.get(late.row.upid)).to.deep.equal(after[2]?.get(late.row.upid));
    const [first] = told;
    const upid = first?.row.upid ?? '';
    const widthAt = (k: number): number => {
      const task = after[k]?.get(upid);
      return task === undefined ? NaN : width(task);
    };
    expect(widthAt(12)).to.be.below(widthAt(2));
  });
});
