import { expect } from 'chai';
import { binsOf } from '../../src/proxmox/rrd.js';

const rows = (stepS: number, list: Record<string, unknown>[]) =>
  list.map((row, k) => ({ time: 1_790_000_040 + k * stepS, ...row }));

describe('rrd data of a guest', () => {
  it('tells running by its used memory, stopped by its size alone, and nothing by neither', () => {
    const told = binsOf(rows(60, [{ maxmem: 1024, mem: 12.5 }, { maxmem: 1024 }, {}, { maxmem: '1024', mem: null }]));
    expect(told.map(({ stampS, stepS, state }) => `${stampS - 1_790_000_040} ${stepS} ${state}`)).to.deep.equal([
      '0 60 running',
      '60 60 stopped',
      '180 60 stopped',
    ]);
  });

  it('has bins as long as the stamps lie apart, whatever the version keeps', () => {
    expect(binsOf(rows(1800, [{ mem: 1 }, { mem: 1 }])).map(({ stepS }) => stepS)).to.deep.equal([1800, 1800]);
  });

  it('is nothing where that cannot be told', () => {
    expect(binsOf([])).to.deep.equal([]);
    expect(binsOf(rows(60, [{ mem: 1 }]))).to.deep.equal([]);
    expect(binsOf(rows(0, [{ mem: 1 }, { mem: 1 }]))).to.deep.equal([]);
  });
});
