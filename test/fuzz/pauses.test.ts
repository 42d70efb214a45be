import { expect } from 'chai';
import { familyOf } from './families.js';
import { complaints, runWorld } from './run-world.js';

const WORLDS = 60;
const PER_TEST = 20;
const DAYS = 0.13;

describe('the pauses of random worlds', () => {
  for (let first = 1; first <= WORLDS; first += PER_TEST) {
    it(`are all there that could be known, none else, and within their bounds (seeds ${first} to ${first + PER_TEST - 1})`, async () => {
      let rightCount = 0;
      const kinds = new Set<string>();
      for (let seed = first; seed < first + PER_TEST; seed += 1) {
        const { title, options } = familyOf(seed, DAYS);
        const run = await runWorld(seed, { ...options, pauses: true });
        expect(complaints(run), `seed ${seed}: ${title}`).to.deep.equal([]);
        rightCount += run.pauses.rightCount;
        for (const { pauses } of run.world.truth(run.untilAt)) for (const { kind } of pauses) kinds.add(kind);
      }
      expect(rightCount).to.be.above(2 * PER_TEST);
      expect([...kinds]).to.have.members(['paused', 'io-error', 'suspended']);
    }).timeout(180_000);
  }
});
