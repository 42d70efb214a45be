import { expect } from 'chai';
import cron from 'node-cron';
import { cronOf, delayMs } from '../../src/collect/schedule.js';

describe('the schedule', () => {
  it('says every interval that a configuration may have as node-cron understands it', () => {
    expect(cronOf(30)).to.equal('*/30 * * * * *');
    expect(cronOf(60)).to.equal('0 */1 * * * *');
    expect(cronOf(3600)).to.equal('0 */60 * * * *');
    for (const seconds of [1, 2, 5, 15, 30, 60, 300, 1800, 3600]) {
      expect(cron.validate(cronOf(seconds)), String(seconds)).to.equal(true);
    }
  });

  it('spreads the nodes over nine tenths of the interval by whole seconds', () => {
    const delays = Array.from({ length: 50 }, (_, k) => Math.floor(delayMs(k, 50, 0, 30_000) / 1000));
    expect(delays[0]).to.equal(0);
    expect(Math.max(...delays)).to.equal(26);
    expect(delays).to.deep.equal(delays.toSorted((a, b) => a - b));
    const crowd = Math.max(...delays.map((delay) => delays.filter((other) => other === delay).length));
    expect(crowd).to.equal(2);
  });

  it('shifts each poll of a node by another part of a second, so that floored uptimes narrow', () => {
    const shifts = Array.from({ length: 20 }, (_, pollCount) => delayMs(3, 50, pollCount, 30_000) % 1000);
    const sorted = shifts.toSorted((a, b) => a - b);
    const widest = Math.max(...sorted.map((shift, k) => (sorted[k + 1] ?? 1000) - shift));
    // Twenty polls leave no hole of more than a tenth of the second.
    expect(widest).to.be.lessThan(100);
    expect(new Set(shifts).size).to.equal(20);
  });

  it('stays within the shortest interval', () => {
    for (let k = 0; k < 50; k++) expect(delayMs(k, 50, k, 1000)).to.be.within(0, 999);
  });
});
