import { expect } from 'chai';
import { labScenario } from '../../src/simulator/scenarios.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import { compileWorld } from '../../src/simulator/world.js';
import { beganAt, dataOf, get } from './asking.js';

const MINUTE = 60_000;

interface Bin {
  time: number;
  mem?: number;
  maxmem?: number;
}

const worldOf = (events: Scenario['events'], aheadMs = 0) => {
  const scenario = labScenario(beganAt);
  for (const cluster of scenario.clusters)
    for (const node of cluster.nodes) node.clock = { offsetMs: aheadMs, driftPpm: 0, steps: [] };
  return compileWorld({ ...scenario, events });
};

const read = (world: ReturnType<typeof worldOf>, at: number, timeframe: string): Bin[] =>
  dataOf<Bin[]>(get(world, 'pve-01', '/nodes/pve-01/qemu/100/rrddata', at, { timeframe, cf: 'AVERAGE' }));

describe('the rrd data of a simulated guest', () => {
  const offAt = beganAt + 30 * MINUTE + 20_000;
  const off: Scenario['events'] = [{ at: offAt, kind: 'poweroff', vmid: 100, cluster: 'lab' }];
  const at = beganAt + 60 * MINUTE;

  it('has minutes with its memory while it runs, with its size alone while it is off, and some that nobody wrote', () => {
    const bins = read(worldOf(off), at, 'hour');
    expect(bins.length).to.be.within(60, 70);
    const told = (from: number, to: number): Bin[] =>
      bins.filter(({ time }) => from < time * 1000 && time * 1000 <= to);
    const running = told(beganAt + MINUTE, offAt);
    const stopped = told(offAt + 2 * MINUTE, at - MINUTE);
    expect(running.filter(({ mem }) => mem !== undefined).length).to.be.above(20);
    expect(running.filter(({ mem, maxmem }) => mem === undefined && maxmem !== undefined)).to.deep.equal([]);
    expect(stopped.filter(({ mem }) => mem !== undefined)).to.deep.equal([]);
    expect(stopped.filter(({ maxmem }) => maxmem !== undefined).length).to.be.above(20);
  });

  it('is stamped by the clock of its node, where a row ends', () => {
    const aheadMs = 20 * MINUTE;
    const lastOf = (bins: Bin[]): number => bins.filter(({ mem }) => mem !== undefined).at(-1)?.time ?? NaN;
    const true_ = lastOf(read(worldOf(off), at, 'hour'));
    expect(true_ * 1000).to.be.within(offAt - MINUTE, offAt + 2 * MINUTE);
    expect(lastOf(read(worldOf(off, aheadMs), at, 'hour')) - true_).to.be.within(
      aheadMs / 1000 - 60,
      aheadMs / 1000 + 60,
    );
  });

  it('is coarser where it reaches further back, and refuses a timeframe that is none', () => {
    const bins = read(worldOf(off), at, 'day');
    const [first, second] = bins;
    const stepS = (second?.time ?? 0) - (first?.time ?? 0);
    expect([60, 1800]).to.include(stepS);
    expect(() => read(worldOf(off), at, 'minute')).to.throw('400');
  });
});
