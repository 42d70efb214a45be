import { demoScenario } from './demo-scenario.js';
import { labScenario } from './lab-scenario.js';
import type { Scenario } from './scenario.js';
import { trapScenarios } from './trap-scenarios.js';

export { demoScenario } from './demo-scenario.js';
export { labScenario, labToken, meterPrivileges } from './lab-scenario.js';
export { plainKinds, randomScenario, type RandomOptions } from './random-scenario.js';
export { trapScenarios } from './trap-scenarios.js';
export { trapWorld } from './trap-world.js';

/** A scenario by its name, beginning at `beganAt`: `lab`, `demo`, or one of the traps; null when there is none of that name. */
export function namedScenario(name: string, beganAt: number): Scenario | null {
  if (name === 'lab') return labScenario(beganAt);
  if (name === 'demo') return demoScenario(beganAt);
  return trapScenarios(beganAt).find((scenario) => scenario.name === name) ?? null;
}

/** The names that namedScenario knows. */
export function scenarioNames(): string[] {
  return ['lab', 'demo', ...trapScenarios(0).map((scenario) => scenario.name)];
}
