import { expect } from 'chai';
import type { GuestRow, NodeObservation, NotSeenReason, Seen } from '../../src/core/observation.js';
import { commit, reconcile, type ClusterState, type PollChange } from '../../src/core/reconcile.js';
import { at } from './facts.js';
import { guestRow, newCluster, seen, taskRow } from './polled.js';

const INTERVAL_MS = 30_000;

function notSeen(nowS: number, reason: NotSeenReason = 'unreachable'): Seen<never> {
  return { kind: 'not_seen', reason, detail: 'connection refused', sentAt: at(nowS), receivedAt: at(nowS) + 20 };
}

function look(nowS: number, rows: GuestRow[] | Seen<never>, more: Partial<NodeObservation> = {}): NodeObservation {
  const failed = !Array.isArray(rows);
  return {
    node: 'n1',
    beganAt: at(nowS),
    finishedAt: at(nowS) + 40,
    qemu: failed
      ? rows
      : seen(
          nowS,
          rows.filter((one) => one.type === 'qemu'),
        ),
    lxc: failed
      ? rows
      : seen(
          nowS,
          rows.filter((one) => one.type === 'lxc'),
        ),
    tasks: failed ? rows : seen(nowS, { rows: [], metKnown: true, isComplete: true }),
    offset: failed ? null : { earliestMs: -300, latestMs: 300 },
    status: null,
    ...more,
  };
}

/** Applies polls one after another and gives ids to new rows as the writer would. */
function play(state: ClusterState, polls: NodeObservation[], nodeId = 1): PollChange[] {
  let nextId = 1;
  return polls.map((observation) => {
    const change = reconcile(state, observation, nodeId, { intervalMs: INTERVAL_MS });
    for (const guest of change.guests) {
      guest.after.spans = guest.after.spans.map((span) => ({ ...span, id: span.id ?? nextId++ }));
      guest.after.sessions = guest.derived.sessions.map((session, k) => ({ id: k + 1, guestId: 1, session }));
    }
    commit(state, change);
    return change;
  });
}

function sessionsOf(state: ClusterState, key: string) {
  return (state.guests.get(key)?.sessions ?? []).map((one) => one.session);
}

describe('reconcile', () => {
  it('opens a session for a guest seen running and touches nothing more while it runs on', () => {
    const state = newCluster();
    const changes = play(
      state,
      [30, 60, 90].map((s) => look(s + 5000, [guestRow(104, 100, s + 5000)])),
    );
    expect(changes.map((change) => change.guests.length)).to.deep.equal([1, 0, 0]);
    expect(sessionsOf(state, 'qemu/104')).to.have.length(1);
  });

  it('narrows a young process’s start over several polls', () => {
    const state = newCluster();
    play(
      state,
      [120, 150.4, 180.7].map((s) => look(s, [guestRow(104, 100.5, s)])),
    );
    const [session] = sessionsOf(state, 'qemu/104');
    const width = (session?.start.latest ?? 0) - (session?.start.earliest ?? 0);
    expect(width).to.be.below(900);
    expect(at(100.5)).to.be.within(session?.start.earliest ?? 0, session?.start.latest ?? 0);
  });

  it('leaves room for a run between two stopped samples, the first of which was asked inside a start’s task', () => {
    const state = newCluster();
    const start = { rows: [taskRow('qmstart', 118, 121)], metKnown: true, isComplete: true };
    play(state, [
      look(90, [guestRow(104, null, 90)]),
      look(120.5, [guestRow(104, null, 120.5)], { tasks: seen(121.5, start) }),
      look(150, [guestRow(104, null, 150)]),
      look(180, [guestRow(104, null, 180)]),
    ]);
    const [session] = sessionsOf(state, 'qemu/104');
    expect(session?.end?.latest).to.be.within(at(150), at(151));
  });

  it('takes a pool from its guest where the cluster tells of none, and not where it tells nothing', () => {
    const state = newCluster();
    const poolOf = () => state.guests.get('qemu/104')?.profile.pool;
    state.pools.set('qemu/104', 'prod');
    play(state, [look(120, [guestRow(104, 100, 120)])]);
    state.pools.delete('qemu/104');
    play(state, [look(150, [guestRow(104, 100, 150)])]);
    expect(poolOf()).to.equal('prod');
    state.pools.set('qemu/104', null);
    const [change] = play(state, [look(180, [guestRow(104, 100, 180)])]);
    expect(poolOf()).to.equal(null);
    expect(change?.guests[0]?.after.changes.map(({ field, before, after }) => [field, before, after])).to.deep.equal([
      ['pool', 'prod', null],
    ]);
  });

  it('looks at the guests of its own node alone, also where one went to another node and came back', () => {
    const state = newCluster();
    play(state, [look(120, [guestRow(104, 100, 120), guestRow(105, 100, 120)])]);
    play(state, [look(130, [guestRow(105, 128, 130)])], 2);
    const [absent] = play(state, [look(150, [guestRow(104, 100, 150)])]);
    expect(absent?.guests).to.deep.equal([]);
    expect(state.guests.get('qemu/105')).to.include({ nodeId: 2, isOpen: true });
    play(state, [look(160, [])], 2);
    expect(state.guests.get('qemu/105')?.isOpen).to.equal(false);
    play(state, [look(180, [guestRow(105, 170, 180)])]);
    expect(state.guests.get('qemu/104')?.isOpen).to.equal(false);
    expect(state.guests.get('qemu/105')).to.include({ nodeId: 1, isOpen: true });
    const [gone] = play(state, [look(210, [])]);
    expect(gone?.guests.map(({ key, after }) => [key, after.isOpen])).to.deep.equal([['qemu/105', false]]);
  });

  for (const reason of ['unreachable', 'unauthorized', 'tls_error', 'bad_answer', 'permission_lost'] as const) {
    it(`keeps a session open and opens a gap when the node is not seen: ${reason}`, () => {
      const state = newCluster();
      const [, second, third] = play(state, [
        look(120, [guestRow(104, 100, 120)]),
        look(150, notSeen(150, reason)),
        look(180, [guestRow(104, 100, 180)]),
      ]);
      expect(sessionsOf(state, 'qemu/104')[0]?.end).to.equal(null);
      expect(second?.gap.opened).to.include({ startedAt: at(120), reason });
      expect(third?.gap.closedAt).to.equal(at(180));
    });
  }

  it('ends nothing when a guest is absent from a list, and goes on when the same process is back', () => {
    const state = newCluster();
    play(state, [look(120, [guestRow(104, 100, 120)]), look(150, []), look(180, [guestRow(104, 100, 180)])]);
    const guest = state.guests.get('qemu/104');
    expect(guest?.spans).to.have.length(1);
    expect(sessionsOf(state, 'qemu/104').map((one) => one.end)).to.deep.equal([null]);
  });

  it('ends the session in the poll’s window when the guest is seen stopped', () => {
    const state = newCluster();
    play(state, [
      look(120, [guestRow(104, 100, 120)]),
      look(150, [guestRow(104, 100, 150)]),
      look(180, [guestRow(104, null, 180)]),
    ]);
    const [session] = sessionsOf(state, 'qemu/104');
    expect(session?.end).to.include({ earliest: at(150), latest: at(180) + 20, evidence: 'poll' });
  });

  it('tells a new process by its pid or by an uptime too small, and not by an uptime too large', () => {
    const bigger = guestRow(104, 100, 180, { uptimeS: 90_000 });
    const state = newCluster();
    play(state, [look(120, [guestRow(104, 100, 120)]), look(150, [guestRow(104, 100, 150)]), look(180, [bigger])]);
    expect(sessionsOf(state, 'qemu/104')).to.have.length(1);
    play(state, [look(210, [guestRow(104, 195, 210)])]);
    expect(sessionsOf(state, 'qemu/104')).to.have.length(2);
    play(state, [look(240, [guestRow(104, 230, 240, { pid: 1195 })])]);
    expect(sessionsOf(state, 'qemu/104')).to.have.length(3);
  });

  it('takes a running row without pid or uptime for neither running nor stopped', () => {
    const state = newCluster();
    const starting = guestRow(104, 119, 120, { type: 'lxc', pid: null, uptimeS: 0 });
    play(state, [look(90, [guestRow(104, null, 90, { type: 'lxc' })]), look(120, [starting])]);
    expect(sessionsOf(state, 'lxc/104')).to.deep.equal([]);
  });

  it('drops a container’s uptime that is the host’s own, and keeps the proof that it runs', () => {
    const state = newCluster();
    const status = seen(120, { uptimeS: 50_000, version: '9.2' });
    play(state, [look(120, [guestRow(104, 120 - 50_000.2, 120, { type: 'lxc' })], { status })]);
    const [session] = sessionsOf(state, 'lxc/104');
    expect(session?.start.evidence).to.equal('poll');
  });

  it('does not measure a container whose first uptime was the host’s by the process before it with the same pid', () => {
    const state = newCluster();
    const status = seen(5120, { uptimeS: 50_000, version: '9.2' });
    const container = (startS: number, nowS: number) => guestRow(104, startS, nowS, { type: 'lxc', pid: 77 });
    const glitch = guestRow(104, 5120 - 50_000.2, 5120, { type: 'lxc', pid: 77 });
    play(state, [
      look(120, [container(100, 120)]),
      look(5090, [guestRow(104, null, 5090, { type: 'lxc' })]),
      look(5120, [glitch], { status }),
      look(5150, [container(5100, 5150)]),
    ]);
    expect(sessionsOf(state, 'lxc/104')).to.have.length(2);
  });

  it('leaves a template and a backup’s process out', () => {
    const state = newCluster();
    play(state, [
      look(120, [guestRow(100, null, 120, { isTemplate: true }), guestRow(104, null, 120)]),
      look(150, [guestRow(104, 140, 150, { lock: 'backup' })]),
      look(180, [guestRow(104, null, 180)]),
    ]);
    expect(sessionsOf(state, 'qemu/104')).to.deep.equal([]);
    expect(sessionsOf(state, 'qemu/100')).to.deep.equal([]);
  });

  it('sees a guest that became a template stopped', () => {
    const state = newCluster();
    play(state, [look(120, [guestRow(104, 100, 120)]), look(150, [guestRow(104, null, 150, { isTemplate: true })])]);
    expect(sessionsOf(state, 'qemu/104')[0]?.end).to.include({ earliest: at(120), latest: at(150) + 20 });
  });

  it('drops a sample older than one already applied on another node', () => {
    const state = newCluster();
    play(state, [look(100, [guestRow(104, 50, 100)])]);
    play(state, [look(200, [guestRow(104, 150, 200)], { node: 'n2' })], 2);
    play(state, [look(199, [guestRow(104, 50, 199)])]);
    expect(state.guests.get('qemu/104')?.nodeId).to.equal(2);
    expect(state.guests.get('qemu/104')?.spans).to.have.length(2);
  });

  it('notes a gap of the manager’s own where no poll ran for longer than two intervals', () => {
    const state = newCluster();
    const [, second] = play(state, [look(120, [guestRow(104, 100, 120)]), look(400, [guestRow(104, 100, 400)])]);
    expect(second?.gap.past[0]).to.include({ startedAt: at(120), endedAt: at(400), reason: 'manager_down' });
  });

  it('reads a guest that only the log knows, and begins another life after its destroy task', () => {
    const rows = [
      taskRow('qmstart', 700, 703),
      taskRow('qmdestroy', 500, 501),
      taskRow('qmstop', 400, 401),
      taskRow('qmstart', 100, 103),
    ];
    const state = newCluster();
    play(state, [
      look(900, [guestRow(104, 702, 900)], { tasks: seen(900, { rows, metKnown: false, isComplete: true }) }),
    ]);
    const guest = state.guests.get('qemu/104');
    expect(guest?.lives.map((life) => life.destroyed !== null)).to.deep.equal([true, false]);
    expect(sessionsOf(state, 'qemu/104').map((one) => [one.start.evidence, one.endReason])).to.deep.equal([
      ['task', 'stop'],
      ['uptime', null],
    ]);
  });

  it('yields the same ledger when polls of the same instants are applied again', () => {
    const polls = [
      look(120, [guestRow(104, 100, 120)]),
      look(150, [guestRow(104, null, 150)]),
      look(180, [guestRow(104, 170, 180)]),
    ];
    const once = newCluster();
    play(once, polls);
    const twice = newCluster();
    play(twice, polls.slice(0, 2));
    play(twice, polls.slice(2));
    expect(sessionsOf(twice, 'qemu/104')).to.deep.equal(sessionsOf(once, 'qemu/104'));
  });

  it('takes one look that found no config as one, however often it is handed in', () => {
    const state = newCluster();
    play(state, [look(0, [guestRow(104, -100, 0)]), look(30, []), look(60, [])]);
    const window = { earliest: at(61), latest: at(61) + 20 };
    const gone = { kind: 'gone', type: 'qemu', vmid: 104, nodeId: 1, window } as const;
    // Its COMMIT took effect, and the answer was lost: collect hands it in again.
    for (const nowS of [90, 120]) {
      const change = reconcile(state, look(nowS, []), 1, { intervalMs: INTERVAL_MS, identities: [gone] });
      expect(change.identities).to.have.length(nowS === 90 ? 1 : 0);
      commit(state, change);
    }
    expect(state.guests.get('qemu/104')?.identities).to.deep.equal([gone]);
    expect(state.guests.get('qemu/104')?.lives.at(-1)?.destroyed).to.equal(null);
  });
});
