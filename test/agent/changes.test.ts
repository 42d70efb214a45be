import { expect } from 'chai';
import { statesCall, vouchedAt } from '../../src/agent/calls.js';
import { compare, keyOf, type Comparison, type KnownGuest, type Sight } from '../../src/agent/changes.js';
import type { GuestRow } from '../../src/core/observation.js';

const AT = 1_000_000_000;

function row(fields: Partial<GuestRow> = {}): GuestRow {
  const base = {
    type: 'qemu',
    vmid: 104,
    name: 'web',
    status: 'running',
    pid: 4711,
    uptimeS: 100,
    isTemplate: false,
  } as const;
  return { ...base, cores: 1, memoryBytes: 1, lock: null, qmpstatus: null, tags: null, ...fields };
}

function sight(rows: GuestRow[], at = AT, nodeUptimeS: number | null = 90_000): Sight {
  const exchange = { sentAt: at - 20, receivedAt: at };
  return { lists: { qemu: exchange, lxc: exchange }, rows, nodeUptimeS };
}

/** What is known once all looks were taken in; the last one's comparison. */
function looks(...sights: Sight[]): { known: Map<string, KnownGuest>; last: Comparison } {
  const known = new Map<string, KnownGuest>();
  let last = compare(known, sight([]));
  for (const each of sights) {
    last = compare(known, each);
    for (const guest of [...last.edges.map((edge) => edge.guest), ...last.seen]) known.set(keyOf(guest), guest);
  }
  return { known, last };
}

const kinds = ({ edges }: Comparison): [string, number][] => edges.map(({ kind, at }) => [kind, at]);
const stopped = { status: 'stopped', pid: null, uptimeS: null } as const;

describe('what an agent tells of the difference between two looks', () => {
  it('is a start by its uptime for a guest that runs and was not known, and nothing for one that is stopped', () => {
    expect(kinds(looks(sight([row(), row({ vmid: 9, ...stopped })])).last)).to.deep.equal([['start', AT - 100_000]]);
  });

  it('is a start when it was noticed for a guest that has run for longer than the manager takes a stamp', () => {
    const [year, later] = [365, 400].map((days) => kinds(looks(sight([row({ uptimeS: days * 86_400 })])).last));
    expect(year).to.deep.equal([['start', AT - 365 * 86_400_000]]);
    expect(later).to.deep.equal([['start', AT]]);
  });

  it('is nothing while the same process runs', () => {
    const { last } = looks(sight([row()]), sight([row({ uptimeS: 130 })], AT + 30_000));
    expect([kinds(last), last.isSure]).to.deep.equal([[], true]);
  });

  it('is a stop when it was noticed', () => {
    expect(kinds(looks(sight([row()]), sight([row(stopped)], AT + 30_000)).last)).to.deep.equal([
      ['stop', AT + 30_000],
    ]);
  });

  it('is a stop and a start at one instant for another process, by its pid or by an uptime that fell', () => {
    for (const change of [{ pid: 4712, uptimeS: 5 }, { uptimeS: 5 }]) {
      const { last } = looks(sight([row()]), sight([row(change)], AT + 30_000));
      expect(kinds(last)).to.deep.equal([
        ['stop', AT + 25_000],
        ['start', AT + 25_000],
      ]);
    }
  });

  it('is no start from an uptime that leaps: it is a glitch', () => {
    const { last } = looks(sight([row()]), sight([row({ uptimeS: 90_000 })], AT + 30_000));
    expect(kinds(last)).to.deep.equal([]);
  });

  it('is nothing for a row without pid, and then nothing vouches for what was told', () => {
    const { last } = looks(sight([row()]), sight([row({ pid: null, uptimeS: 0 })], AT + 30_000));
    expect([kinds(last), last.isSure]).to.deep.equal([[], false]);
  });

  it('is a start when it was noticed for a container that shows its node’s uptime', () => {
    const { last } = looks(sight([row({ type: 'lxc', uptimeS: 90_000 })]));
    expect(kinds(last)).to.deep.equal([['start', AT]]);
  });

  it('is nothing while a backup runs the process of a stopped guest, and a start of the run that follows in it', () => {
    const backup = { lock: 'backup', qmpstatus: 'prelaunch', uptimeS: 20 };
    const before = [sight([row(stopped)]), sight([row(backup)], AT + 30_000)];
    expect(kinds(looks(...before).last)).to.deep.equal([]);
    const { last } = looks(...before, sight([row({ ...backup, qmpstatus: 'running', uptimeS: 80 })], AT + 60_000));
    // The process is older than the look that showed the guest stopped: its uptime is none of the run's.
    expect(kinds(last)).to.deep.equal([['start', AT + 60_000]]);
  });

  it('is a stop only for a guest that two looks leave out, at the first of them', () => {
    const gone = looks(sight([row()]), sight([], AT + 30_000));
    expect([kinds(gone.last), gone.last.isSure, gone.last.isWhole]).to.deep.equal([[], false, false]);
    const { last } = looks(sight([row()]), sight([], AT + 30_000), sight([], AT + 60_000));
    expect(kinds(last)).to.deep.equal([['stop', AT + 30_000]]);
    expect(last.edges[0]?.isAbsence).to.equal(true);
    const back = looks(sight([row()]), sight([], AT + 30_000), sight([row({ uptimeS: 160 })], AT + 60_000));
    expect([kinds(back.last), back.last.isSure]).to.deep.equal([[], true]);
  });

  it('is nothing for a stopped guest that is left out, and two looks without it forget it', () => {
    const once = looks(sight([row(stopped)]), sight([], AT + 30_000));
    expect([once.last.forgotten, once.last.isWhole]).to.deep.equal([[], true]);
    const twice = looks(sight([row(stopped)]), sight([], AT + 30_000), sight([], AT + 60_000));
    expect([kinds(twice.last), twice.last.forgotten.map(({ vmid }) => vmid)]).to.deep.equal([[], [104]]);
    const moved = looks(sight([row()]), ...[30, 60, 90].map((s) => sight([], AT + s * 1000)));
    expect(moved.last.forgotten.map(({ vmid }) => vmid)).to.deep.equal([104]);
  });

  it('is a snapshot for another name and for a stopped guest that is new', () => {
    expect(looks(sight([row()]), sight([row({ name: 'www', uptimeS: 130 })], AT + 30_000)).last.isNews).to.equal(true);
    expect(looks(sight([row(stopped)])).last.isNews).to.equal(true);
    expect(looks(sight([row()]), sight([row({ uptimeS: 130 })], AT + 30_000)).last.isNews).to.equal(false);
  });

  it('says in a snapshot unknown of what proves nothing, and leaves templates out', () => {
    const rows = [row(), row({ vmid: 1, pid: null, uptimeS: 0 }), row({ vmid: 2, isTemplate: true, ...stopped })];
    const { body } = statesCall('n', sight(rows), new Map(), { at: AT, eventId: 'e' });
    const vms = body['vms'] as Record<string, unknown>[];
    expect(vms.map(({ vm_id, status, uptime }) => [vm_id, status, uptime])).to.deep.equal([
      ['104', 'running', 100],
      ['1', 'unknown', null],
    ]);
  });

  it('vouches for nothing when its lists took longer than a reading may be old', () => {
    const slow = { ...sight([]), lists: { qemu: { sentAt: AT - 10_001, receivedAt: AT }, lxc: null } };
    expect(vouchedAt(slow)).to.equal(null);
    expect(vouchedAt(sight([]))).to.equal(AT);
  });
});
