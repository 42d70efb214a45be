import { expect } from 'chai';
import type { Scenario } from '../../src/simulator/scenario.js';
import { complaints, runWorld, sightOf } from './run-world.js';

const MINUTE_MS = 60_000;
const WORLDS = 16;

/** Three quarters of an hour and more without a manager: longer than such a log reaches. */
const down = ({ beganAt, seed }: Scenario): { from: number; to: number }[] => [
  { from: beganAt + 40 * MINUTE_MS, to: beganAt + (85 + (seed % 30)) * MINUTE_MS },
];

describe('task logs that rotate while the manager is down', () => {
  it('leave a gap for what was lost, and nothing wrong but within it', async () => {
    let holeCount = 0;
    for (let seed = 1; seed <= WORLDS; seed += 1) {
      const run = await runWorld(seed, {
        days: 0.13,
        nodes: 1 + (seed % 2),
        guests: 5,
        eventsPerGuestDay: 40,
        noisePerHour: 3_000,
        down,
      });
      expect(complaints(run), `seed ${seed}`).to.deep.equal([]);
      const blocks = down(run.scenario);
      for (const hole of sightOf(run.managers).holes ?? []) {
        holeCount += 1;
        // A hole begins with the node's last good reading, and ends before the manager is back.
        const isWhereNobodyRead = blocks.some(({ from, to }) => hole.endedAt > from && hole.endedAt <= to);
        expect(isWhereNobodyRead, `seed ${seed}`).to.equal(true);
      }
    }
    expect(holeCount).to.be.at.least(WORLDS);
  }).timeout(120_000);
});
