import type { Scenario, ScenarioCluster, ScenarioGuest } from '../src/simulator/scenario.js';
import { labToken } from '../src/simulator/scenarios.js';
import { startSimulator } from '../src/simulator/server.js';
import { systemClock } from '../src/clock.js';

/** What this process tells its parent when its nodes listen. */
export interface SimulatedFleet {
  /** A `nodes:` section of config.yaml. */
  configYaml: string;
  token: string;
  nodes: { cluster: string; name: string; port: number; fingerprint: string; caPem: string }[];
}

const DAY_MS = 86_400_000;
const GUESTS_PER_NODE = 100;
const CLUSTERS_OF_THREE = 16;
const STANDALONE = 2;

/** 48 nodes in clusters of three and two on their own, 100 guests each, of which 85 run; a day with a log of 130 tasks a node. */
function fleetScenario(nowAt: number): Scenario {
  const beganAt = nowAt - DAY_MS;
  const clusters = Array.from({ length: CLUSTERS_OF_THREE }, (_, k) =>
    cluster(
      `c${k + 1}`,
      ['a', 'b', 'c'].map((letter) => `c${k + 1}${letter}`),
      beganAt,
    ),
  );
  const alone = Array.from({ length: STANDALONE }, (_, k) => cluster(null, [`s${k + 1}`], beganAt));
  const all = [...clusters, ...alone];
  const events = all.flatMap(({ nodes }) =>
    nodes.map(({ name: node }) => ({
      at: beganAt + DAY_MS / 2,
      node,
      kind: 'noise' as const,
      type: 'vncproxy',
      count: 130,
      takesMs: 1000,
    })),
  );
  return { name: 'fleet', seed: 50, beganAt, clusters: all, events, faults: [] };
}

function cluster(name: string | null, nodes: string[], beganAt: number): ScenarioCluster {
  return {
    name,
    version: '9.2',
    nodes: nodes.map((node) => ({ name: node, bootedAt: beganAt - 20 * DAY_MS })),
    guests: nodes.flatMap((node, k) => Array.from({ length: GUESTS_PER_NODE }, (_, n) => guest(node, k, n, beganAt))),
    tokens: [labToken()],
  };
}

function guest(node: string, k: number, n: number, beganAt: number): ScenarioGuest {
  return {
    vmid: 1000 * (k + 1) + n,
    type: n % 10 < 7 ? 'qemu' : 'lxc',
    name: `guest-${k}-${n}`,
    node,
    cores: 2,
    memoryBytes: 4 * 2 ** 30,
    tags: 'bench;quiet',
    runningSince: n % 20 < 17 ? beganAt - DAY_MS - n * 60_000 : null,
  };
}

const simulator = await startSimulator(fleetScenario(systemClock.now()), { clock: systemClock });
const { user, tokenName, value } = simulator.token;
const fleet: SimulatedFleet = {
  configYaml: simulator.configYaml(),
  token: `PVEAPIToken=${user}!${tokenName}=${value}`,
  nodes: simulator.nodes.map((node) => ({ ...node, caPem: simulator.caPem(node.cluster) })),
};
process.send?.(fleet);
process.once('disconnect', () => process.exit(0));
