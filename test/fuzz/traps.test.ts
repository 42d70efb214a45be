import { expect } from 'chai';
import { complaints } from './run-world.js';
import { runTrap, trapWorlds } from './run-trap.js';

describe('the ledger of the worlds in which one trap is laid', () => {
  for (const scenario of trapWorlds) {
    it(`is right about ${scenario.name.replaceAll('-', ' ')}`, async () => {
      const run = await runTrap(scenario);
      expect(complaints(run)).to.deep.equal([]);
      expect(run.report.boundaryErrors.length).to.be.above(0);
    });
  }
});
