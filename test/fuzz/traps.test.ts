import { expect } from 'chai';
import { trapScenarios } from '../../src/simulator/scenarios.js';
import { complaints, runScenario } from './run-world.js';

const BEGAN_AT = Date.UTC(2026, 2, 2, 8);
/** The traps are sprung within forty minutes; some take another half hour to be over. */
const DAYS = 75 / 1440;

describe('the ledger of the worlds in which one trap is laid', () => {
  for (const scenario of trapScenarios(BEGAN_AT)) {
    it(`is right about ${scenario.name.replaceAll('-', ' ')}`, async () => {
      const run = await runScenario(scenario, { days: DAYS, intervalMs: 30_000 });
      expect(complaints(run)).to.deep.equal([]);
      expect(run.report.boundaryErrors.length).to.be.above(0);
    });
  }
});
