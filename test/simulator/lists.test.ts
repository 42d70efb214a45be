import { expect } from 'chai';
import { trapScenarios, trapWorld } from '../../src/simulator/scenarios.js';
import type { Scenario, ScenarioEvent } from '../../src/simulator/scenario.js';
import { compileWorld, type World } from '../../src/simulator/world.js';
import { beganAt, dataOf, get, rowOf, type Row } from './asking.js';

const minuteMs = 60_000;

function trap(name: string): { world: World; scenario: Scenario } {
  const scenario = trapScenarios(beganAt).find((candidate) => candidate.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return { world: compileWorld(scenario), scenario };
}

function worldWith(...events: ScenarioEvent[]): World {
  return compileWorld({ ...trapWorld(beganAt, 7), events });
}

const resourceOf = (world: World, vmid: number, at: number): Row | undefined =>
  dataOf<Row[]>(get(world, 't3', '/cluster/resources', at, { type: 'vm' })).find((row) => row.vmid === vmid);

describe('the guest lists of the simulator', () => {
  it('floor uptime to whole seconds of the process', () => {
    const world = worldWith({ at: beganAt + 1000, kind: 'start', vmid: 101, takesMs: 700 });
    const startedAt = world.truth(beganAt + minuteMs).find((session) => session.vmid === 101)?.startedAt ?? 0;
    expect(startedAt).to.equal(beganAt + 1700);
    expect(rowOf(world, 't1', 'qemu', 101, startedAt - 1))
      .to.include({ status: 'stopped', uptime: 0 })
      .and.not.have.property('pid');
    expect(rowOf(world, 't1', 'qemu', 101, startedAt + 9980)).to.include({ status: 'running', uptime: 9 });
    expect(rowOf(world, 't1', 'qemu', 101, startedAt + 10_010)).to.include({ uptime: 10 });
  });

  it('let uptime drift with the rate of the node, and ignore steps of its wall clock', () => {
    const scenario = trapWorld(beganAt, 7);
    const [cluster, far] = scenario.clusters;
    if (cluster === undefined || far === undefined) throw new Error('two clusters are expected');
    const clock = { offsetMs: 2500, driftPpm: 100, steps: [{ at: beganAt + minuteMs, byMs: -3000 }] };
    const nodes = cluster.nodes.map((node) => ({ ...node, clock }));
    const world = compileWorld({ ...scenario, clusters: [{ ...cluster, nodes }, far] });
    // A day of running before the beginning is 8.64 s longer by a clock that is 100 ppm fast.
    expect(rowOf(world, 't1', 'qemu', 100, beganAt)?.uptime).to.equal(86_408);
    expect(rowOf(world, 't1', 'qemu', 100, beganAt + 2 * minuteMs)?.uptime).to.equal(86_528);
    const time = (at: number): number =>
      dataOf<{ time: number }>(get(world, 't1', '/nodes/t1/time', at)).time - at / 1000;
    expect(time(beganAt)).to.equal(2);
    expect(time(beganAt + minuteMs)).to.equal(-1);
  });

  it("tell the entry node's clock in the Date header, also through another node", () => {
    const scenario = trapWorld(beganAt, 7);
    const [cluster, far] = scenario.clusters;
    if (cluster === undefined || far === undefined) throw new Error('two clusters are expected');
    const nodes = cluster.nodes.map((node, index) => ({
      ...node,
      clock: { offsetMs: index * 60_000, driftPpm: 0, steps: [] },
    }));
    const world = compileWorld({ ...scenario, clusters: [{ ...cluster, nodes }, far] });
    const answer = get(world, 't2', '/nodes/t3/time', beganAt);
    expect('headers' in answer && Date.parse(answer.headers['date'] ?? '')).to.equal(beganAt + 60_000);
    expect(dataOf<{ time: number }>(answer).time).to.equal((beganAt + 120_000) / 1000);
  });

  it('show a stopped VM as running and prelaunch while it is backed up', () => {
    const { world } = trap('trap-01-backup-of-a-stopped-vm');
    const during = rowOf(world, 't1', 'qemu', 101, beganAt + 8 * minuteMs);
    expect(during).to.include({ status: 'running', qmpstatus: 'prelaunch', lock: 'backup' });
    expect(during?.uptime).to.be.greaterThan(120);
    expect(resourceOf(world, 101, beganAt + 8 * minuteMs)).to.include({ status: 'prelaunch' });
    expect(rowOf(world, 't1', 'qemu', 101, beganAt + 12 * minuteMs))
      .to.include({ status: 'stopped' })
      .and.not.have.property('lock');
    expect(world.truth(beganAt + 20 * minuteMs).some((session) => session.vmid === 101)).to.equal(false);
  });

  it('keep a VM that turned itself off during a backup running, as shutdown, in the same process', () => {
    const { world } = trap('trap-32-poweroff-and-start-during-backup');
    const before = rowOf(world, 't1', 'qemu', 100, beganAt + 5.5 * minuteMs);
    const off = rowOf(world, 't1', 'qemu', 100, beganAt + 7 * minuteMs);
    const again = rowOf(world, 't1', 'qemu', 100, beganAt + 9 * minuteMs);
    expect(off).to.include({ status: 'running', qmpstatus: 'shutdown', pid: before?.pid });
    expect(again).to.include({ status: 'running', qmpstatus: 'running', pid: before?.pid });
    const after = compileWorld(trap('trap-32-poweroff-during-backup').scenario);
    expect(rowOf(after, 't1', 'qemu', 100, beganAt + 12 * minuteMs)).to.include({ status: 'stopped' });
  });

  it('list a migrating VM at one node at a time, with the younger process of the target after the switch', () => {
    const { world } = trap('trap-06-live-migration');
    const switchedAt =
      world.truth(beganAt + 10 * minuteMs).find((session) => session.vmid === 100)?.segments[1]?.startedAt ?? 0;
    for (let at = beganAt + 5 * minuteMs; at < switchedAt + 5000; at += 250) {
      const seen = ['t1', 't2', 't3'].filter((node) => rowOf(world, node, 'qemu', 100, at) !== undefined);
      expect(seen).to.have.lengthOf(1);
    }
    const row = rowOf(world, 't2', 'qemu', 100, switchedAt + 100);
    // The target's process is older than the switch: it waited for the memory.
    expect(row?.uptime).to.be.within(38, 50);
    expect(rowOf(world, 't1', 'qemu', 100, switchedAt - 2000)).to.include({ lock: 'migrate' });
  });

  it("mix the target's name with the source's numbers in the resources until its next round", () => {
    const { world } = trap('trap-06-live-migration');
    const switchedAt =
      world.truth(beganAt + 10 * minuteMs).find((session) => session.vmid === 100)?.segments[1]?.startedAt ?? 0;
    const seen = Array.from({ length: 20 }, (_, second) => resourceOf(world, 100, switchedAt + second * 1000));
    expect(seen.every((row) => row?.node === 't2')).to.equal(true);
    expect(seen[0]?.uptime).to.be.greaterThan(86_400);
    expect(seen[19]?.uptime).to.be.lessThan(100);
  });

  it("freeze a dead node's guests in the resources for 300 s, then call them unknown", () => {
    const { world } = trap('trap-25-fenced');
    const crashedAt = beganAt + 5 * minuteMs;
    const frozen = resourceOf(world, 100, crashedAt + minuteMs);
    expect(frozen).to.include({ status: 'running', uptime: resourceOf(world, 100, crashedAt + 4 * minuteMs)?.uptime });
    const unknown = resourceOf(world, 100, crashedAt + 6 * minuteMs);
    expect(unknown).to.include({ status: 'unknown', node: 't1' }).and.not.have.any.keys('uptime', 'name');
  });

  it('show a container without a pid while its monitor outlives its init', () => {
    const { world } = trap('trap-10-container-reboots-itself');
    const endedAt = beganAt + 5 * minuteMs;
    expect(rowOf(world, 't1', 'lxc', 102, endedAt + 50))
      .to.include({ status: 'running', uptime: 0 })
      .and.not.have.property('pid');
    const before = rowOf(world, 't1', 'lxc', 102, endedAt - 1000);
    expect(rowOf(world, 't1', 'lxc', 102, endedAt + 10_000)?.pid).not.to.equal(before?.pid);
  });

  it('end every process with the node, and begin the process ids anew with the next kernel', () => {
    const { world } = trap('trap-24-node-crash');
    expect(get(world, 't1', '/nodes/t1/qemu', beganAt + 6 * minuteMs)).to.include({ fault: 'refused' });
    const through = get(world, 't2', '/nodes/t1/qemu', beganAt + 6 * minuteMs);
    expect('status' in through && through.status).to.equal(595);
    const { uptime } = dataOf<{ uptime: number }>(get(world, 't1', '/nodes/t1/status', beganAt + 12 * minuteMs));
    expect(uptime).to.equal(3 * 60);
  });

  it("give a re-created VM another uuid, and a clone its source's ctime", () => {
    const config = (world: World, vmid: number, at: number): Record<string, string> =>
      dataOf<Record<string, string>>(get(world, 't1', `/nodes/t1/qemu/${vmid}/config`, at));
    const again = trap('trap-27-vmid-used-again').world;
    expect(config(again, 100, beganAt)['smbios1']).not.to.equal(config(again, 100, beganAt + 20 * minuteMs)['smbios1']);
    const clone = trap('trap-28-clone-into-a-used-vmid').world;
    const [source, copy] = [100, 101].map((vmid) => config(clone, vmid, beganAt + 20 * minuteMs));
    expect(copy?.['meta']).to.equal(source?.['meta']);
    expect(copy?.['smbios1']).not.to.equal(source?.['smbios1']);
  });
});
