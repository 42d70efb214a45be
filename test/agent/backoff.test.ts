import { expect } from 'chai';
import { backoffMs } from '../../src/agent/backoff.js';

describe('how long the agent waits for a manager that does not take its reports', () => {
  it('is doubled at each failure, up to a minute', () => {
    expect([1, 2, 3, 4, 5, 6, 7, 8, 1_000].map((count) => backoffMs(count, 1))).to.deep.equal([
      1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
    ]);
  });

  it('is left to chance in its upper half, so that agents do not come back in one instant', () => {
    expect([0, 0.5, 1].map((share) => backoffMs(7, share))).to.deep.equal([30_000, 45_000, 60_000]);
    expect(backoffMs(1, 0)).to.equal(500);
  });
});
