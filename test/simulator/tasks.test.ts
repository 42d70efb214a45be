import { expect } from 'chai';
import { labToken, trapScenarios, trapWorld } from '../../src/simulator/scenarios.js';
import type { ScenarioEvent } from '../../src/simulator/scenario.js';
import { compileWorld, type World } from '../../src/simulator/world.js';
import { beganAt, dataOf, get, type TaskRow } from './asking.js';

const minuteMs = 60_000;

function worldWith(...events: ScenarioEvent[]): World {
  return compileWorld({ ...trapWorld(beganAt, 3), events });
}

function page(world: World, at: number, query: Record<string, string>): { rows: TaskRow[]; total: number | undefined } {
  const answer = get(world, 't1', '/nodes/t1/tasks', at, query);
  const { body } = answer as { body: { data: TaskRow[]; total?: number } };
  return { rows: dataOf<TaskRow[]>(answer), total: body.total };
}

describe('the task log of the simulator', () => {
  const migration: ScenarioEvent = {
    at: beganAt + minuteMs,
    kind: 'migrate',
    vmid: 100,
    to: 't2',
    takesMs: 20 * minuteMs,
  };
  const stop: ScenarioEvent = { at: beganAt + 5 * minuteMs, kind: 'stop', vmid: 104, user: 'ops@pve!script' };

  it('orders by archiving, running ones first, and tells the total', () => {
    const world = worldWith(migration, stop, {
      at: beganAt + 30 * minuteMs,
      kind: 'start',
      vmid: 101,
      takesMs: 60_000,
    });
    const { rows, total } = page(world, beganAt + 30.5 * minuteMs, { source: 'all' });
    expect(rows.map((row) => row.type)).to.deep.equal(['qmstart', 'qmigrate', 'qmstop']);
    expect(rows[0]).to.include({ status: 'RUNNING' }).and.not.have.property('endtime');
    expect(total).to.equal(3);
    expect(page(world, beganAt + 30.5 * minuteMs, {}).total).to.equal(2);
    expect(page(world, beganAt + 30.5 * minuteMs, { source: 'active' }).rows).to.have.lengthOf(1);
  });

  it("splits a token's name off in the index only", () => {
    const world = worldWith({ ...stop, kind: 'shutdown', takesMs: 30_000 });
    const running = page(world, stop.at + 10_000, { source: 'all' }).rows[0];
    expect(running).to.include({ user: 'ops@pve!script' }).and.not.have.property('tokenid');
    expect(page(world, stop.at + minuteMs, {}).rows[0]).to.include({ user: 'ops@pve', tokenid: 'script' });
  });

  it('compares since and until with the start alone', () => {
    const world = worldWith(migration, stop);
    const since = String((beganAt + 2 * minuteMs) / 1000);
    expect(page(world, beganAt + 60 * minuteMs, { since }).rows.map((row) => row.type)).to.deep.equal(['qmstop']);
    expect(page(world, beganAt + 60 * minuteMs, { until: since }).rows.map((row) => row.type)).to.deep.equal([
      'qmigrate',
    ]);
  });

  it('filters by VMID, type, user and status, and pages with start and limit', () => {
    const failed: ScenarioEvent = { at: beganAt + 9 * minuteMs, kind: 'start', vmid: 101, error: 'start failed' };
    const world = worldWith(migration, stop, failed, {
      at: beganAt + 10 * minuteMs,
      kind: 'noise',
      node: 't1',
      type: 'vncproxy',
      count: 60,
    });
    const at = beganAt + 60 * minuteMs;
    const types = (query: Record<string, string>): string[] => page(world, at, query).rows.map((row) => row.type);
    expect(page(world, at, {}).rows).to.have.lengthOf(50);
    expect(page(world, at, {}).total).to.equal(63);
    expect(types({ vmid: '104' })).to.deep.equal(['qmstop']);
    expect(types({ typefilter: 'qmstart' })).to.deep.equal(['qmstart']);
    expect(types({ userfilter: 'OPS' })).to.deep.equal(['qmstop']);
    expect(types({ errors: '1' })).to.deep.equal(['qmstart']);
    expect(types({ statusfilter: 'error,unknown' })).to.deep.equal(['qmstart']);
    expect(types({ start: '61', limit: '5' })).to.have.lengthOf(2);
    expect(page(world, at, { limit: '0' })).to.deep.equal({ rows: [], total: 63 });
    const refused = get(world, 't1', '/nodes/t1/tasks', at, { order: 'asc' });
    expect('status' in refused && refused.status).to.equal(400);
  });

  it('loses what has rotated out of both index files', () => {
    const scenario = trapScenarios(beganAt).find(({ name }) => name === 'trap-23-rotated-log');
    if (scenario === undefined) throw new Error('no such trap');
    const world = compileWorld(scenario);
    expect(page(world, beganAt + 20 * minuteMs, { vmid: '100' }).total).to.equal(1);
    const { rows, total } = page(world, beganAt + 60 * minuteMs, { limit: '5000' });
    expect(total).to.equal(rows.length).and.to.be.within(450, 1400);
    expect(rows.some((row) => row.id === '100')).to.equal(false);
  });

  it("shows a task that is noticed late as running until pvestatd's next round, and stamps that", () => {
    const world = worldWith({ ...stop, isNoticedLate: true });
    const done = page(world, beganAt + 10 * minuteMs, {}).rows[0];
    const endedAt = world.truth(beganAt + 10 * minuteMs).find((session) => session.vmid === 104)?.endedAt ?? 0;
    expect((done?.endtime ?? 0) * 1000 - endedAt).to.be.within(-1000, 13_000);
    const endtimeAt = (done?.endtime ?? 0) * 1000;
    expect(page(world, endtimeAt - 100, { source: 'all' }).rows[0]?.status).to.equal('RUNNING');
  });

  it('archives what a crash left running at the next boot, as unexpected status', () => {
    const crash: ScenarioEvent = { at: beganAt + 3 * minuteMs, kind: 'node_crash', node: 't1', downMs: 5 * minuteMs };
    const world = worldWith({ ...migration, vmid: 104 }, crash);
    const { rows } = page(world, beganAt + 30 * minuteMs, { vmid: '104', typefilter: 'qmigrate' });
    expect(rows[0]).to.include({ status: 'unexpected status' });
    expect((rows[0]?.endtime ?? 0) * 1000).to.be.greaterThan(beganAt + 8 * minuteMs);
  });

  it('tells the boot epoch by pstart', () => {
    const world = worldWith({ at: beganAt + minuteMs, kind: 'node_reboot', node: 't1', downMs: minuteMs });
    const bootOf = (row: TaskRow | undefined): number => (row?.starttime ?? 0) - (row?.pstart ?? 0) / 100;
    const { rows } = page(world, beganAt + 30 * minuteMs, {});
    const stopall = rows.find((row) => row.type === 'stopall');
    const startall = rows.find((row) => row.type === 'startall');
    expect(bootOf(stopall)).to.be.closeTo(beganAt / 1000 - 864_000, 1.1);
    expect(bootOf(startall)).to.be.greaterThan(beganAt / 1000 + 60);
  });

  it("shows only a token's own tasks without Sys.Audit, and nothing of them in the cluster's list", () => {
    const scenario = trapWorld(beganAt, 3);
    const [cluster, far] = scenario.clusters;
    if (cluster === undefined || far === undefined) throw new Error('two clusters are expected');
    const token = { ...labToken(), privileges: [{ path: '/', privileges: ['VM.Audit'] }] };
    const own: ScenarioEvent = {
      at: beganAt + minuteMs,
      kind: 'start',
      vmid: 101,
      user: `${token.user}!${token.tokenName}`,
    };
    const world = compileWorld({ ...scenario, clusters: [{ ...cluster, tokens: [token] }, far], events: [own, stop] });
    const { rows, total } = page(world, beganAt + 10 * minuteMs, {});
    expect(rows.map((row) => row.type)).to.deep.equal(['qmstart']);
    expect(total).to.equal(1);
    expect(dataOf<unknown[]>(get(world, 't1', '/cluster/tasks', beganAt + 10 * minuteMs))).to.deep.equal([]);
  });

  it("keeps at most 25 finished tasks of a node in the cluster's list", () => {
    const world = worldWith(stop, {
      at: beganAt + 10 * minuteMs,
      kind: 'noise',
      node: 't1',
      type: 'vncproxy',
      count: 60,
    });
    expect(dataOf<unknown[]>(get(world, 't2', '/cluster/tasks', beganAt + 30 * minuteMs))).to.have.lengthOf(25);
  });
});
