import { expect } from 'chai';
import { labScenario, labToken, randomScenario, trapWorld } from '../../src/simulator/scenarios.js';
import type { ScenarioFault, ScenarioToken } from '../../src/simulator/scenario.js';
import { seededRandom } from '../../src/simulator/random.js';
import { compileWorld, type World } from '../../src/simulator/world.js';
import { authorizationOf, beganAt, dataOf, get, rowOf, tasksOf, type Row } from './asking.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe('a simulated world', () => {
  it('answers the same whenever and in whatever order it is asked', () => {
    const scenario = randomScenario(11, { days: 2, nodes: 3, guests: 8, faults: true });
    const random = seededRandom(1);
    const asked = Array.from({ length: 400 }, () => ({
      node: random.pick(['n1', 'n2', 'n3']),
      path: random.pick([
        '/nodes/n1/qemu',
        '/nodes/n2/lxc',
        '/nodes/n3/tasks',
        '/cluster/resources',
        '/cluster/tasks',
        '/nodes/n1/qemu/100/config',
      ]),
      at: scenario.beganAt + random.between(0, 48 * hourMs),
    }));
    const forward = compileWorld(scenario);
    const inOrder = [...asked].sort((a, b) => a.at - b.at);
    const first = new Map(inOrder.map((one) => [one, JSON.stringify(get(forward, one.node, one.path, one.at))]));
    const shuffled = compileWorld(scenario);
    for (const one of asked) {
      expect(JSON.stringify(get(shuffled, one.node, one.path, one.at))).to.equal(first.get(one));
      expect(JSON.stringify(get(forward, one.node, one.path, one.at))).to.equal(first.get(one));
    }
    const until = scenario.beganAt + 20 * hourMs;
    expect(forward.truth(until)).to.deep.equal(compileWorld(scenario).truth(until));
  });

  it('lets something happen by hand, without changing what it said of the time before', () => {
    const world = compileWorld(labScenario(beganAt));
    const before = JSON.stringify(get(world, 'pve-01', '/nodes/pve-01/qemu', beganAt + minuteMs));
    const upid = world.act({ at: beganAt + minuteMs, kind: 'start', vmid: 102, takesMs: 500 });
    expect(upid).to.match(/^UPID:pve-01:.*:qmstart:102:root@pam:$/);
    expect(JSON.stringify(get(world, 'pve-01', '/nodes/pve-01/qemu', beganAt + minuteMs))).to.equal(before);
    expect(rowOf(world, 'pve-01', 'qemu', 102, beganAt + 2 * minuteMs)).to.include({ status: 'running', uptime: 59 });
    const again = compileWorld(world.scenario);
    expect(again.truth(beganAt + hourMs)).to.deep.equal(world.truth(beganAt + hourMs));
  });

  it('takes an event in its past by beginning anew', () => {
    const world = compileWorld(labScenario(beganAt));
    world.truth(beganAt + hourMs);
    world.act({ at: beganAt + minuteMs, kind: 'start', vmid: 102 });
    expect(tasksOf(world, 'pve-01', beganAt + hourMs)).to.deep.equal(['qmstart:102 OK']);
  });

  it('ignores what is impossible, and fails what Proxmox would fail', () => {
    const world = compileWorld({
      ...trapWorld(beganAt, 5),
      events: [
        { at: beganAt + minuteMs, kind: 'start', vmid: 100 },
        { at: beganAt + 2 * minuteMs, kind: 'stop', vmid: 999 },
        { at: beganAt + 3 * minuteMs, kind: 'shutdown', vmid: 100, takesMs: minuteMs },
        { at: beganAt + 3 * minuteMs + 5000, kind: 'stop', vmid: 100 },
        { at: beganAt + 10 * minuteMs, kind: 'destroy', vmid: 104 },
      ],
    });
    expect(tasksOf(world, 't1', beganAt + hourMs)).to.deep.equal([
      'qmstart:100 VM 100 already running',
      'qmshutdown:100 OK',
      "qmstop:100 can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout",
      'qmdestroy:104 VM 104 is running - destroy failed',
    ]);
  });

  it('costs little: prints what a list and a page of tasks take', function () {
    this.timeout(20_000);
    const scenario = randomScenario(3, { days: 4, nodes: 3, guests: 60 });
    const world = compileWorld(scenario);
    world.truth(scenario.beganAt + 4 * 24 * hourMs);
    const took = (path: string, query: Record<string, string>): number => {
      const began = performance.now();
      for (let round = 0; round < 3000; round += 1) get(world, 'n1', path, scenario.beganAt + round * 100_000, query);
      return ((performance.now() - began) * 1000) / 3000;
    };
    const list = took('/nodes/n1/qemu', {});
    const page = took('/nodes/n1/tasks', { source: 'all', limit: '50' });
    process.stdout.write(
      `      a list of a node of three with 60 guests ${list.toFixed(1)} us, a page of 50 tasks ${page.toFixed(1)} us\n`,
    );
    expect(list).to.be.lessThan(2000);
    expect(page).to.be.lessThan(2000);
  });
});

describe('who may see what in a simulated world', () => {
  const token = (...privileges: ScenarioToken['privileges']): ScenarioToken => ({ ...labToken(), privileges });

  const worldFor = (allowed: ScenarioToken): World => {
    const lab = labScenario(beganAt);
    return compileWorld({ ...lab, clusters: lab.clusters.map((cluster) => ({ ...cluster, tokens: [allowed] })) });
  };

  it('answers 401 to a wrong token, and to none', () => {
    const world = worldFor(labToken());
    for (const authorization of [
      '',
      'PVEAPIToken=tracker@pve!tracker=wrong',
      authorizationOf({ ...labToken(), user: 'other@pve' }),
    ]) {
      const answer = get(world, 'pve-01', '/nodes', beganAt, {}, authorization);
      expect('status' in answer && answer.status).to.equal(401);
    }
  });

  it('filters lists silently by VM.Audit, a deeper entry overriding the one above', () => {
    const world = worldFor(token({ path: '/', privileges: ['VM.Audit'] }, { path: '/vms/101', privileges: [] }));
    const vmids = dataOf<Row[]>(get(world, 'pve-01', '/nodes/pve-01/qemu', beganAt)).map((row) => row.vmid);
    expect(vmids).to.deep.equal([100, 102]);
    const none = worldFor(token({ path: '/', privileges: ['Sys.Audit'] }));
    expect(dataOf<Row[]>(get(none, 'pve-01', '/nodes/pve-01/qemu', beganAt))).to.deep.equal([]);
  });

  it('grants by pool, and names pools only with Pool.Audit', () => {
    const world = worldFor(token({ path: '/pool/research', privileges: ['VM.Audit'] }));
    const rows = dataOf<(Row & { pool?: string })[]>(
      get(world, 'pve-01', '/cluster/resources', beganAt, { type: 'vm' }),
    );
    expect(rows.map((row) => row.vmid)).to.deep.equal([104, 105]);
    expect(rows[0]).not.to.have.property('pool');
  });

  it('refuses the checked calls with 403, naming path and privilege', () => {
    const world = worldFor(token({ path: '/vms', privileges: ['VM.Audit'] }));
    const texts = ['/cluster/status', '/nodes/pve-01/time', '/nodes/pve-01/journal'].map((path) => {
      const answer = get(world, 'pve-01', path, beganAt);
      return 'statusText' in answer ? `${answer.status} ${answer.statusText}` : '';
    });
    expect(texts).to.deep.equal([
      '403 Permission check failed (/, Sys.Audit)',
      '403 Permission check failed (/nodes/pve-01, Sys.Audit)',
      '403 Permission check failed (/nodes/pve-01, Sys.Syslog)',
    ]);
  });

  it('shows a permission that is lost for a while in /access/permissions too', () => {
    const fault: ScenarioFault = {
      from: beganAt,
      to: beganAt + minuteMs,
      fault: { kind: 'permission_lost', privilege: 'VM.Audit' },
    };
    const world = compileWorld({ ...labScenario(beganAt), faults: [fault] });
    const tree = (at: number): Record<string, Record<string, number>> =>
      dataOf(get(world, 'pve-01', '/access/permissions', at));
    expect(dataOf<Row[]>(get(world, 'pve-01', '/nodes/pve-01/qemu', beganAt))).to.deep.equal([]);
    expect(tree(beganAt)['/']).not.to.have.property('VM.Audit');
    expect(tree(beganAt + minuteMs)['/']).to.have.property('VM.Audit', 1);
  });
});

describe('the faults of a simulated world', () => {
  const answers = (fault: Omit<ScenarioFault, 'from' | 'to'>, path: string, entry = 'pve-01'): unknown => {
    const world = compileWorld({ ...labScenario(beganAt), faults: [{ from: beganAt, to: beganAt + 1000, ...fault }] });
    const during = get(world, entry, path, beganAt + 500);
    const after = get(world, entry, path, beganAt + 1000);
    expect('status' in after && after.status).to.equal(200);
    return 'fault' in during ? during.fault : `${during.status} ${during.statusText}`;
  };

  it('hit the paths and nodes that they name, within their window', () => {
    expect(answers({ fault: { kind: 'status', status: 596 } }, '/nodes/pve-01/qemu')).to.equal(
      '596 Connection timed out',
    );
    expect(answers({ path: '/lxc', fault: { kind: 'hang' } }, '/nodes/pve-01/qemu')).to.equal('200 OK');
    expect(answers({ path: '/qemu', fault: { kind: 'hang' } }, '/nodes/pve-01/qemu')).to.equal('hang');
    expect(answers({ node: 'pve-02', fault: { kind: 'refused' } }, '/nodes/pve-01/qemu')).to.equal('200 OK');
    expect(answers({ fault: { kind: 'garbage' } }, '/version')).to.equal('garbage');
    expect(answers({ fault: { kind: 'unauthorized' } }, '/version')).to.equal('401 invalid token value!');
    const vanished = answers({ fault: { kind: 'config_vanished', vmid: 100 } }, '/nodes/pve-01/qemu');
    expect(vanished).to.equal("500 Configuration file 'nodes/pve-01/qemu-server/100.conf' does not exist");
  });

  it('let a partitioned node answer for itself, while the others cannot reach it', () => {
    expect(answers({ node: 'pve-01', fault: { kind: 'partitioned' } }, '/nodes/pve-01/qemu')).to.equal('200 OK');
    expect(answers({ node: 'pve-01', fault: { kind: 'partitioned' } }, '/nodes/pve-01/qemu', 'pve-02')).to.equal(
      '595 No route to host',
    );
  });

  it("give a container the host's uptime, as the race in Proxmox does", () => {
    const fault: ScenarioFault = { from: beganAt, to: beganAt + 1000, fault: { kind: 'host_uptime', vmid: 107 } };
    const world = compileWorld({ ...labScenario(beganAt), faults: [fault] });
    expect(rowOf(world, 'pve-02', 'lxc', 107, beganAt)?.uptime).to.equal(12 * 86_400);
    expect(rowOf(world, 'pve-02', 'lxc', 107, beganAt + 1000)?.uptime).to.equal(5 * 86_400 + 1);
  });

  it('write the journal of an end that no task tells', () => {
    const world = compileWorld({
      ...labScenario(beganAt),
      events: [{ at: beganAt + minuteMs, kind: 'poweroff', vmid: 100 }],
    });
    const since = String(beganAt / 1000);
    const lines = dataOf<string[]>(get(world, 'pve-01', '/nodes/pve-01/journal', beganAt + hourMs, { since }));
    expect(lines.filter((line) => line.includes('Starting cleanup for 100'))).to.have.lengthOf(1);
    expect(lines.find((line) => line.includes('100.scope'))).to.match(
      /^Jan 05 12:01:0\d pve-01 systemd\[1\]: 100\.scope: Deactivated successfully\.$/,
    );
    const structured = dataOf<{ message: string }[]>(
      get(world, 'pve-01', '/nodes/pve-01/journal', beganAt + hourMs, { since, structured: '1', service: 'qmeventd' }),
    );
    expect(structured.map((entry) => entry.message)).to.deep.equal([
      'Starting cleanup for 100',
      'Finished cleanup for 100',
    ]);
    expect('status' in get(world, 'edge-01', '/nodes/edge-01/journal', beganAt, { structured: '1' })).to.equal(true);
  });
});
