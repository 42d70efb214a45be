import { expect } from 'chai';
import { familyOf } from './families.js';
import { complaints, runWorld } from './run-world.js';

const WORLDS = 200;
const PER_TEST = 20;
/** Short worlds of three hours and a bit; `npm run soak` plays longer ones. */
const DAYS = 0.13;

describe('the ledger of random worlds', () => {
  for (let first = 1; first <= WORLDS; first += PER_TEST) {
    it(`misses, invents, merges and splits nothing, and holds every boundary (seeds ${first} to ${first + PER_TEST - 1})`, async () => {
      let boundaryCount = 0;
      for (let seed = first; seed < first + PER_TEST; seed += 1) {
        const { title, options } = familyOf(seed, DAYS);
        const run = await runWorld(seed, options);
        expect(complaints(run), `seed ${seed}: ${title}`).to.deep.equal([]);
        boundaryCount += run.report.boundaryErrors.length;
      }
      expect(boundaryCount).to.be.above(PER_TEST);
    }).timeout(180_000);
  }
});
