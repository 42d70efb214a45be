import { labScenario } from './lab-scenario.js';
import type { Scenario } from './scenario.js';
export function demoScenario(nowAt: number): Scenario {
  return { ...labScenario(nowAt), name: 'demo' };
}
