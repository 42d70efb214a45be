import type { SimulatedAnswer } from './answer.js';
import { hashOf } from './random.js';
import type { Scenario, ScenarioFault } from './scenario.js';

/** The faults that hit a request at `at`; a partition counts whichever node is asked, since all others notice it. */
export function faultsInForce(scenario: Scenario, node: string, path: string, at: number): readonly ScenarioFault[] {
  if (scenario.faults.length === 0) return none;
  return scenario.faults.filter((fault, index) => {
    if (at < fault.from || at >= fault.to) return false;
    if (fault.fault.kind === 'partitioned') return true;
    if (fault.node !== undefined && fault.node !== node) return false;
    if (fault.path !== undefined && !path.includes(fault.path)) return false;
    return fault.share === undefined || hashOf(scenario.seed, index, at, path) % 10_000 < fault.share * 10_000;
  });
}

const none: readonly ScenarioFault[] = [];

/** The answer that a fault puts in place of the true one; null when none does. Cut and garbage only spoil the body. */
export function faultedAnswer(
  faults: readonly ScenarioFault[],
  headers: Record<string, string>,
): SimulatedAnswer | null {
  for (const { fault } of faults) {
    switch (fault.kind) {
      case 'status':
        return {
          status: fault.status,
          statusText: fault.statusText ?? statusTexts[fault.status] ?? 'error',
          headers,
          body: { data: null },
          delayMs: 0,
        };
      case 'unauthorized':
        return { status: 401, statusText: 'invalid token value!', headers, body: { data: null }, delayMs: 0 };
      case 'hang':
        return { fault: 'hang', delayMs: 0 };
      case 'refused':
        return { fault: 'refused', delayMs: 0 };
      case 'cut':
        return { fault: 'cut', text: '', delayMs: 0 };
      case 'garbage':
        return { fault: 'garbage', text: '<html><body>502 upstream says hello</body></html>', delayMs: 0 };
      default:
    }
  }
  return null;
}

const statusTexts: Readonly<Record<number, string>> = {
  500: 'got no worker upid - start worker failed',
  501: 'not implemented',
  595: 'Connection refused',
  596: 'Connection timed out',
  597: 'Broken pipe',
  599: 'Too many redirections',
};
