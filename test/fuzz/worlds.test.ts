import { expect } from 'chai';
import { plainKinds } from '../../src/simulator/random-scenario.js';
import { complaints, runWorld, type WorldOptions } from './run-world.js';

const DAY: WorldOptions = { days: 0.5, nodes: 2, guests: 5, kinds: plainKinds };
const HOUR_MS = 3_600_000;

/** Each is a family of random worlds; a seed that fails is named with what was wrong, and replays as it was. */
const families: { title: string; seeds: number[]; options: WorldOptions }[] = [
  { title: 'starts, stops, power cuts and reboots', seeds: [1, 2, 3, 4, 5, 6, 7, 8], options: DAY },
  {
    title: 'the same with answers that fail, hang or lie',
    seeds: [11, 12, 13, 14, 15, 16],
    options: { ...DAY, faults: true },
  },
  {
    title: 'the same with the manager down for three hours',
    seeds: [21, 22, 23, 24, 25, 26],
    options: { ...DAY, down: ({ beganAt }) => [{ from: beganAt + 3 * HOUR_MS, to: beganAt + 6 * HOUR_MS }] },
  },
  {
    title: 'the same, looked at every 10 s over a slow line',
    seeds: [31, 32],
    options: { ...DAY, days: 0.25, intervalMs: 10_000, tripMs: 150 },
  },
];

describe('the ledger of random worlds', () => {
  for (const { title, seeds, options } of families) {
    for (const seed of seeds) {
      it(`misses, invents, merges and splits nothing, and holds every boundary: ${title} (seed ${seed})`, async () => {
        const run = await runWorld(seed, options);
        expect(complaints(run), `seed ${seed}`).to.deep.equal([]);
        expect(run.report.boundaryErrors.length).to.be.above(0);
      });
    }
  }
});
