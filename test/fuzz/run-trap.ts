import { trapScenarios } from '../../src/simulator/scenarios.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import { runScenario, type WorldRun } from './run-world.js';

const BEGAN_AT = Date.UTC(2026, 2, 2, 8);
/** The traps are sprung within forty minutes; some take another half hour to be over. */
const DAYS = 75 / 1440;

/** The worlds in which one trap is laid, all beginning at the same instant. */
export const trapWorlds: readonly Scenario[] = trapScenarios(BEGAN_AT);

/** Watches a trap's world until the trap is over, and has the auditor judge the ledger. */
export function runTrap(scenario: Scenario): Promise<WorldRun> {
  return runScenario(scenario, { days: DAYS, intervalMs: 30_000 });
}
