import { clusterKey, type Scenario } from './scenario.js';
import type { SimulatedNode } from './server.js';

/** A `nodes:` section that reaches every node of a running simulator, each pinned by its fingerprint. */
export function configYaml(scenario: Scenario, nodes: readonly SimulatedNode[]): string {
  const lines = ['nodes:'];
  for (const cluster of scenario.clusters) {
    const token = cluster.tokens[0];
    for (const node of nodes.filter((candidate) => candidate.cluster === clusterKey(cluster))) {
      lines.push(
        `  - name: ${node.name}`,
        `    host: ${node.host}`,
        `    port: ${node.port}`,
        `    user: ${token?.user ?? ''}`,
        `    token_name: ${token?.tokenName ?? ''}`,
        `    token_value: "${token?.value ?? ''}"`,
        `    fingerprint: "${node.fingerprint}"`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
