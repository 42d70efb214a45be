import https from 'node:https';
import got, { type Got } from 'got';
import type { SimulatedFleet } from './simulated-nodes.js';

const CONCURRENT_NODES = 48;

interface BareNode {
  name: string;
  cluster: string;
  get: Got;
}

/**
 * The floor under a cycle: got asks each node the same paths over TLS pinned to the same leaf, with two kept connections a
 * node and as many nodes at once; the answers are parsed as JSON and dropped.
 */
export class BareLoop {
  private readonly nodes: BareNode[];
  private readonly agents: https.Agent[] = [];

  constructor(fleet: SimulatedFleet) {
    this.nodes = fleet.nodes.map(({ name, cluster, port, fingerprint, caPem }) => {
      const agent = new https.Agent({ keepAlive: true, maxSockets: 2, maxCachedSessions: 0 });
      this.agents.push(agent);
      const get = got.extend({
        prefixUrl: `https://127.0.0.1:${port}/api2/json`,
        headers: { authorization: fleet.token },
        agent: { https: agent },
        https: {
          certificateAuthority: caPem,
          checkServerIdentity: (_host, { fingerprint256 }) =>
            fingerprint256 === fingerprint ? undefined : new Error('another certificate'),
        },
        retry: { limit: 0 },
        timeout: { request: 10_000 },
      });
      return { name, cluster, get };
    });
  }

  /** One cycle: per node its two lists together, then its tasks; per cluster its resources. */
  async cycle(): Promise<void> {
    const queue = [...this.nodes];
    const work = async (): Promise<void> => {
      for (let node = queue.shift(); node !== undefined; node = queue.shift()) await ask(node);
    };
    const firstOfEach = new Map(this.nodes.map((node) => [node.cluster, node]));
    const resources = [...firstOfEach.values()].map(({ get }) =>
      get('cluster/resources', { searchParams: { type: 'vm' } }).json(),
    );
    await Promise.all([...resources, ...Array.from({ length: CONCURRENT_NODES }, work)]);
  }

  /** Closes what is kept. */
  close(): void {
    for (const agent of this.agents) agent.destroy();
  }
}

async function ask({ name, get }: BareNode): Promise<void> {
  await Promise.all([get(`nodes/${name}/qemu`).json(), get(`nodes/${name}/lxc`).json()]);
  await get(`nodes/${name}/tasks`, { searchParams: { source: 'all', start: 0, limit: 100 } }).json();
}
