import { expect } from 'chai';
import fc from 'fast-check';
import { joinOffsets, offsetOf } from '../../src/proxmox/clock-offset.js';

describe('The offset of a node’s clock', () => {
  it('lies within the bounds of every reading and of all together', () => {
    const reading = fc.record({ sentAt: fc.integer({ min: 0, max: 60_000 }), there: fc.nat(300), back: fc.nat(300) });
    fc.assert(
      fc.property(
        fc.integer({ min: -90_000, max: 90_000 }),
        fc.array(reading, { minLength: 1 }),
        (offset, readings) => {
          const bounds = readings.map(({ sentAt, there, back }) => {
            const stamp = Math.floor((sentAt + there + offset) / 1000) * 1000;
            return offsetOf(stamp, { sentAt, receivedAt: sentAt + there + back });
          });
          const joined = joinOffsets(bounds);
          expect(joined).to.not.equal(null);
          for (const { earliestMs, latestMs } of [...bounds, ...(joined ? [joined] : [])]) {
            expect(offset).to.be.at.least(earliestMs).and.below(latestMs);
          }
        },
      ),
    );
  });

  it('is the hull of readings that exclude each other, and null without one', () => {
    const joined = joinOffsets([
      offsetOf(10_000, { sentAt: 0, receivedAt: 10 }),
      offsetOf(0, { sentAt: 0, receivedAt: 10 }),
    ]);
    expect(joined).to.deep.equal({ earliestMs: -10, latestMs: 11_000 });
    expect(joinOffsets([])).to.equal(null);
  });
});
