import { expect } from 'chai';
import { seededRandom } from '../../src/simulator/random.js';
import { forEachDatabase } from '../support/databases.js';
import { killedSeries, undisturbedLedger } from './kills.js';
import { shortSeries } from './short-series.js';

const KILLS = 25;

forEachDatabase((_name, _open, fresh) => {
  describe('managers that are killed with SIGKILL', () => {
    it(`${KILLS} times leave the ledger that one leaves which is not, with the same instants polled again`, async function () {
      this.timeout(300_000);
      const series = await shortSeries();
      const expected = await undisturbedLedger(await fresh.migrated(), series);
      const random = seededRandom(1);
      let killCount = 0;
      while (killCount < KILLS) {
        const maxKills = KILLS - killCount;
        const life = await killedSeries(await fresh.migrated(), series, expected, { random, maxKills });
        killCount += life.killCount;
        expect(life.differences, `after ${killCount} kills`).to.deep.equal([]);
      }
      expect(killCount).to.equal(KILLS);
    });
  });
});
