import { expect } from 'chai';
import fc from 'fast-check';
import { CLOCK_RATE_ERROR, hasStepped, readClock, stampWindow, type NodeClock } from '../../src/core/node-clock.js';
import { startByUptime } from '../../src/core/span.js';
import { BASE } from './facts.js';

const ppm = fc.double({ min: -CLOCK_RATE_ERROR * 0.99, max: CLOCK_RATE_ERROR * 0.99, noNaN: true });

interface Reading {
  afterMs: number;
  /** How far the true offset lies from either end of what was read. */
  belowMs: number;
  aboveMs: number;
  /** The clock is set by this just before. */
  stepMs: number;
}

/** Steps large enough that no two readings of a second's width can both be true. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 2_500, max: 3_600_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: -3_600_000, max: -2_500 }) },
);
const readings = fc.array(
  fc.record<Reading>({
    afterMs: fc.integer({ min: 1, max: 86_400_000 }),
    belowMs: fc.integer({ min: 0, max: 600 }),
    aboveMs: fc.integer({ min: 0, max: 600 }),
    stepMs: step,
  }),
  { minLength: 1, maxLength: 40 },
);

function play(rate: number, offsetMs: number, list: readonly Reading[]) {
  let at = BASE;
  let offset = offsetMs;
  let clock: NodeClock | null = null;
  return list.map(({ afterMs, belowMs, aboveMs, stepMs }) => {
    at += afterMs;
    offset += afterMs * rate + stepMs;
    const before: NodeClock | null = clock;
    // A day's drift would widen what is known past the smallest steps.
    const reading = { earliestMs: Math.floor(offset - belowMs), latestMs: Math.ceil(offset + aboveMs) };
    clock = readClock(before, reading, at);
    return { at, offset, before, clock };
  });
}

describe('the clock of a node', () => {
  it('is never held for one that excludes the true offset, whatever its rate below 100 ppm', () => {
    fc.assert(
      fc.property(ppm, fc.integer({ min: -100_000, max: 100_000 }), readings, (rate, offsetMs, list) => {
        const steady = list.map((one) => ({ ...one, stepMs: 0 }));
        for (const { offset, before, clock } of play(rate, offsetMs, steady)) {
          expect(clock.offset.earliest).to.be.at.most(offset);
          expect(clock.offset.latest).to.be.at.least(offset);
          expect(hasStepped(before, clock)).to.equal(false);
        }
      }),
    );
  });

  it('is read anew after it was set, and holds the true offset again at once', () => {
    fc.assert(
      fc.property(ppm, fc.integer({ min: -100_000, max: 100_000 }), readings, (rate, offsetMs, list) => {
        const dense = list.map((one) => ({ ...one, afterMs: 1 + (one.afterMs % 60_000) }));
        for (const { offset, clock } of play(rate, offsetMs, dense)) {
          expect(clock.offset.earliest).to.be.at.most(offset);
          expect(clock.offset.latest).to.be.at.least(offset);
        }
      }),
    );
  });

  it('turns a stamp between two readings into a window that holds its instant, set between or not', () => {
    fc.assert(
      fc.property(
        ppm,
        fc.integer({ min: -100_000, max: 100_000 }),
        readings,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rate, offsetMs, list, share) => {
          const played = play(
            rate,
            offsetMs,
            list.map((one) => ({ ...one, afterMs: 1 + (one.afterMs % 60_000) })),
          );
          for (const [k, { at, clock }] of played.entries()) {
            const last = played[k - 1];
            if (last === undefined) continue;
            // The step comes just before the reading, so the stamp is of the old clock.
            const stampedAt = last.at + share * (at - last.at);
            const wall = stampedAt + last.offset + (stampedAt - last.at) * rate;
            const window = stampWindow(Math.floor(wall / 1000), clock, last.clock);
            expect(window.earliest).to.be.at.most(stampedAt);
            expect(window.latest).to.be.at.least(stampedAt - 1);
          }
        },
      ),
    );
  });
});

describe('a start by uptime', () => {
  it('holds the true start at any age up to 200 days, whatever the rate below 100 ppm', () => {
    fc.assert(
      fc.property(
        ppm,
        fc.integer({ min: 1000, max: 200 * 86_400_000 }),
        fc.integer({ min: 0, max: 10_000_000 }),
        fc.integer({ min: 0, max: 5000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (rate, ageMs, startTicks, tripMs, share) => {
          const startedAt = BASE;
          const readAt = startedAt + ageMs;
          // Both ends of the difference are floored to ticks of 10 ms of the node's own time (proxmox-api.md, section 3.1).
          const nowTicks = startTicks + Math.floor((ageMs * (1 + rate)) / 10);
          const uptimeS = Math.floor((nowTicks - startTicks) / 100);
          const sentAt = Math.floor(readAt - share * tripMs);
          const receivedAt = Math.ceil(sentAt + tripMs);
          const window = startByUptime({ uptimeS, sentAt, receivedAt: Math.max(receivedAt, readAt) });
          expect(window.earliest).to.be.at.most(startedAt);
          expect(window.latest).to.be.at.least(startedAt);
        },
      ),
    );
  });
});
