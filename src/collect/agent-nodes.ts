import type { Clock } from '../clock.js';
import type { NodeConfig } from '../config/config.js';
import type { AgentCall } from '../core/ingest.js';
import { inTransaction, isUniqueViolation, type Database } from '../ledger/database.js';
import { ensureCluster, ensureNode } from '../ledger/stores/clusters.js';
import { agentNodeRows, reviveNode, type AgentNodeRow } from '../ledger/stores/agent-nodes.js';
import type { ClusterLedger } from './cluster-ledger.js';

/** A node that an agent reports. */
export interface AgentNode {
  id: number;
  name: string;
  source: 'pull' | 'push';
  ledger: ClusterLedger;
}

interface NodesParts {
  db: Database;
  clock: Clock;
  entries: () => readonly { config: Pick<NodeConfig, 'name' | 'agentNames'> }[];
  ledgerOf: (clusterId: number) => Promise<ClusterLedger>;
}

/**
 * Which node an agent's name means (ledger rule 22): a polled one by its name in the config or in Proxmox, its host or one of
 * its entry's `agent_names`, whatever the case; else one of its own, made by its first report.
 */
export class AgentNodes {
  private readonly known = new Map<string, AgentNode>();

  constructor(private readonly parts: NodesParts) {}

  /** Forgets what names meant: nodes were added, removed or met. */
  forget(): void {
    this.known.clear();
  }

  async nodeFor({ node: name }: Pick<AgentCall, 'node'>): Promise<AgentNode> {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const row = await this.rowFor(name).catch((error: unknown) => {
      // Another report of the same new node was faster: its row is there the second time.
      if (isUniqueViolation(error)) return this.rowFor(name);
      throw error;
    });
    const node = { id: row.id, name: row.name, source: row.source, ledger: await this.parts.ledgerOf(row.clusterId) };
    // Made or brought back just now: what memory holds of it is old.
    const held = node.ledger.state.nodes.get(node.id);
    if (held === undefined || (held.removedAt ?? null) !== null) node.ledger.invalidate();
    this.known.set(name, node);
    return node;
  }

  private rowFor(name: string): Promise<AgentNodeRow> {
    return inTransaction(this.parts.db, async (trx) => {
      const rows = await agentNodeRows(trx);
      const entries = this.parts.entries().map(({ config }) => config);
      const found = polledNode(name, rows, entries) ?? rows.find((row) => row.name === name);
      if (found !== undefined) {
        if (!found.isActive) await reviveNode(trx, found.id);
        return found;
      }
      const now = this.parts.clock.now();
      const cluster = await ensureCluster(trx, `agent:${name}`, name, now);
      const wanted = { clusterId: cluster.id, clusterName: name, name, proxmoxName: name, hostname: name };
      const made = await ensureNode(trx, { ...wanted, source: 'push' }, now);
      return { ...made, hostname: name, source: 'push' };
    });
  }
}

/** The polled node that the agent's name fits, if one does; a name in the config goes before one in Proxmox. */
export function polledNode<T extends Pick<AgentNodeRow, 'name' | 'proxmoxName' | 'hostname' | 'source'>>(
  name: string,
  rows: readonly T[],
  entries: readonly Pick<NodeConfig, 'name' | 'agentNames'>[],
): T | undefined {
  const polled = rows.filter((row) => row.source === 'pull');
  const isSame = (other: string): boolean => other.toLowerCase() === name.toLowerCase();
  const named = entries.find((entry) => entry.agentNames.some(isSame));
  return (
    polled.find((row) => isSame(row.name)) ??
    polled.find((row) => named !== undefined && row.name === named.name) ??
    polled.find((row) => isSame(row.proxmoxName)) ??
    polled.find((row) => isSame(row.hostname))
  );
}
