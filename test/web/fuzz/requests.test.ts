import { expect } from 'chai';
import { forEachDatabase } from '../../support/databases.js';
import { fuzzWeb } from './fuzz-web.js';

/** `npm run fuzz-api` sends many more. */
const REQUESTS = 752;
const MAX_GROWTH_BYTES = 24 * 1024 * 1024;

forEachDatabase((name, open) => {
  describe(`requests that nobody foresaw on ${name}`, () => {
    it('get an answer that is no 500 and tells nothing, and leave no memory behind', async function () {
      this.timeout(180_000);
      const report = await fuzzWeb(await open(), { requests: REQUESTS, seed: name === 'SQLite' ? 1 : 2 });
      expect(report.faults).to.deep.equal([]);
      expect(report.requests).to.equal(REQUESTS);
      // Else it would be proven of refusals alone.
      for (const status of [200, 303, 401, 403, 404, 405, 422])
        expect(report.statuses[status], String(status)).to.be.greaterThan(5);
      expect(report.heapGrowthBytes).to.be.lessThan(MAX_GROWTH_BYTES);
    });
  });
});
