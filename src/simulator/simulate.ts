import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import { namedScenario, scenarioNames } from './scenarios.js';
import { startSimulator } from './server.js';

export interface SimulateOptions {
  /** The first node's port, the others follow; free ones when left out. */
  port?: number;
  scenario: string;
  write: (line: string) => void;
}

export interface SimulateParts {
  clock: Clock;
  log: Log;
  /** Ends it. */
  signal: AbortSignal;
}

/** Runs the simulator alone until the signal: prints where its nodes listen, their fingerprints and a ready config. Throws on an unknown scenario. */
export async function runSimulate(options: SimulateOptions, parts: SimulateParts): Promise<void> {
  const scenario = namedScenario(options.scenario, parts.clock.now());
  if (scenario === null) {
    throw new Error(`there is no scenario "${options.scenario}": choose one of ${scenarioNames().join(', ')}`);
  }
  const { port } = options;
  const count = scenario.clusters.reduce((sum, cluster) => sum + cluster.nodes.length, 0);
  const ports = port === undefined ? {} : { ports: Array.from({ length: count }, (_, index) => port + index) };
  const simulator = await startSimulator(scenario, { clock: parts.clock, ...ports });
  try {
    options.write(`Simulated Proxmox VE, scenario "${scenario.name}":`);
    for (const node of simulator.nodes) {
      options.write(`  ${node.name} (${node.cluster}) https://${node.host}:${node.port} ${node.fingerprint}`);
    }
    const { user, tokenName, value } = simulator.token;
    const first = simulator.nodes[0];
    options.write('');
    options.write('Start a guest by hand:');
    options.write(
      `  curl -k -X POST -H 'Authorization: PVEAPIToken=${user}!${tokenName}=${value}' https://127.0.0.1:${first?.port ?? 0}/api2/json/nodes/${first?.name ?? ''}/qemu/102/status/start`,
    );
    options.write('');
    options.write('For config.yaml:');
    for (const line of simulator.configYaml().trimEnd().split('\n')) options.write(line);
    await stopped(parts.signal);
  } finally {
    await simulator.close();
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
