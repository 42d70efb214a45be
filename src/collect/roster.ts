import type { Clock } from '../clock.js';
import type { Config, NodeConfig } from '../config/config.js';
import type { ClusterDiscovery } from '../core/observation.js';
import { inTransaction, type Database } from '../ledger/database.js';
import { ensureNode, ensureUnmetNode, isUnmet, nodesOf, updateNode, type NodeRow } from '../ledger/stores/clusters.js';
import { finishedUpids } from '../ledger/stores/facts.js';
import type { Log } from '../log.js';
import { createClient, type ProxmoxApi } from '../proxmox/client.js';
import { discoverCluster, probePermissions } from '../proxmox/cluster.js';
import { ClusterLedger } from './cluster-ledger.js';
import { clusterNameOf, identifyCluster } from './identify.js';
import { healthOf } from './health.js';
import type { Entry, Member, Route } from './member.js';

export interface RosterParts {
  config: Config;
  db: Database;
  clock: Clock;
  log: Log;
}

/**
 * Who is polled, by which way: the members of the clusters that the entries of `nodes:` lead to, each once.
 * A member's own entry is asked first, then the address that its cluster names, then the other entries of its cluster.
 */
export class Roster {
  readonly members = new Map<number, Member>();
  private readonly entries: Entry[];
  private readonly ledgers = new Map<number, ClusterLedger>();
  /** Fingerprints that a trusted member's GET /nodes names, by entry (design.md, "Certificates"). */
  private readonly fingerprints = new Set<string>();
  /** Clients for members without an entry, by node id. */
  private readonly memberApis = new Map<number, ProxmoxApi>();

  constructor(private readonly parts: RosterParts) {
    this.entries = parts.config.nodes.map((config) => ({
      config,
      api: this.clientFor(config, config.host, null),
      localNode: null,
      clusterId: null,
    }));
  }

  /** Asks every entry who its cluster's members are; those that do not answer keep what is known of them. Yields a sentence per entry that failed. */
  async discover(): Promise<string[]> {
    const answers = await Promise.all(
      this.entries.map(async (entry) => ({ entry, answer: await discoverCluster(entry.api, this.parts.clock) })),
    );
    const errors: string[] = [];
    for (const { entry, answer } of answers) {
      if (answer.kind === 'seen') {
        await this.admit(entry, answer.value);
      } else {
        errors.push(`${entry.config.name}: ${answer.detail}`);
        await this.noteUnmet(entry, healthOf(answer.reason), answer.detail);
      }
    }
    this.linkRoutes();
    return errors;
  }

  /** Closes every connection. */
  close(): void {
    for (const entry of this.entries) entry.api.close();
    for (const api of this.memberApis.values()) api.close();
  }

  /** Requests and handshakes made so far, for the benches. */
  get traffic(): { requestCount: number; handshakeCount: number } {
    const apis = [...this.entries.map((entry) => entry.api), ...this.memberApis.values()];
    return {
      requestCount: apis.reduce((sum, api) => sum + api.requestCount, 0),
      handshakeCount: apis.reduce((sum, api) => sum + api.handshakeCount, 0),
    };
  }

  /** One route per cluster, for what is asked once a cluster. */
  clusterRoutes(): Map<ClusterLedger, Route> {
    const routes = new Map<ClusterLedger, Route>();
    for (const member of this.members.values()) {
      const route = member.routes[0];
      if (route !== undefined && (!routes.has(member.ledger) || !member.isFailing)) routes.set(member.ledger, route);
    }
    return routes;
  }

  /** Asks what each entry's token may do; a missing privilege makes its nodes' coverage partial. */
  async probe(): Promise<void> {
    for (const entry of this.entries) {
      if (entry.localNode === null) continue;
      const answer = await probePermissions(entry.api, entry.localNode, this.parts.clock);
      if (answer.kind !== 'seen') continue;
      const missing = answer.value.missing.filter((one) => one.privilege !== 'Pool.Audit');
      const sentence =
        missing.length === 0
          ? null
          : `the token lacks ${missing.map((one) => `${one.privilege} on ${one.path}`).join(', ')}`;
      for (const member of this.members.values()) {
        if (member.routes[0]?.entryName === entry.config.name) member.missing = sentence;
      }
    }
  }

  private clientFor(config: NodeConfig, host: string, fingerprint: string | null): ProxmoxApi {
    const { clock, log } = this.parts;
    return createClient(
      {
        host,
        port: config.port,
        user: config.user,
        tokenName: config.tokenName,
        tokenValue: config.tokenValue,
        trust: fingerprint === null ? config.trust : { kind: 'fingerprint', sha256: fingerprint },
        timeoutMs: this.parts.config.polling.timeoutSeconds * 1000,
      },
      { clock, log, trustedFingerprints: () => this.fingerprints },
    );
  }

  private async admit(entry: Entry, discovery: ClusterDiscovery): Promise<void> {
    const now = this.parts.clock.now();
    entry.localNode = discovery.localNode;
    for (const member of discovery.members) {
      if (member.sslFingerprint !== null) this.fingerprints.add(member.sslFingerprint);
    }
    const wanted = discovery.members.filter(
      (member) => entry.config.scope === 'cluster' || member.node === discovery.localNode,
    );
    const { cluster, nodes } = await inTransaction(this.parts.db, async (trx) => {
      const cluster = await identifyCluster(trx, discovery, now);
      const clusterName = clusterNameOf(discovery);
      const nodes = [];
      for (const member of wanted) {
        const own = this.entryOf(cluster.id, member.node) ?? (member.node === discovery.localNode ? entry : null);
        const hostname = own?.config.host ?? member.ip ?? entry.config.host;
        const name = own?.config.name ?? member.node;
        const row = await ensureNode(
          trx,
          { clusterId: cluster.id, clusterName, name, proxmoxName: member.node, hostname },
          now,
        );
        nodes.push({ row, member });
      }
      return { cluster, nodes };
    });
    entry.clusterId = cluster.id;
    const ledger = await this.ledgerOf(cluster.id);
    for (const { row, member } of nodes) {
      if (this.members.has(row.id)) continue;
      await this.addMember(row, ledger);
      if (member.ip !== null && !member.isLocal && member.sslFingerprint !== null) {
        this.memberApis.set(row.id, this.clientFor(entry.config, member.ip, member.sslFingerprint));
      }
    }
  }

  private async addMember(row: NodeRow, ledger: ClusterLedger): Promise<void> {
    if (!ledger.state.nodes.has(row.id)) ledger.invalidate();
    this.members.set(row.id, {
      nodeId: row.id,
      name: row.name,
      node: row.proxmoxName,
      ledger,
      routes: [],
      known: new Set(await finishedUpids(this.parts.db.writer, row.id)),
      statusAskedAt: null,
      isFailing: false,
      missing: null,
      polling: null,
      pollCount: 0,
    });
  }

  private entryOf(clusterId: number, node: string): Entry | null {
    return this.entries.find((entry) => entry.clusterId === clusterId && entry.localNode === node) ?? null;
  }

  private async ledgerOf(clusterId: number): Promise<ClusterLedger> {
    const known = this.ledgers.get(clusterId);
    if (known !== undefined) return known;
    const { db, clock, log, config } = this.parts;
    const intervalMs = config.polling.intervalSeconds * 1000;
    const ledger = await ClusterLedger.open(db, clusterId, { clock, log, intervalMs });
    this.ledgers.set(clusterId, ledger);
    return ledger;
  }

  /** Its own entry first, then the address its cluster gives, then through the entries of its cluster. */
  private linkRoutes(): void {
    for (const member of this.members.values()) {
      const { clusterId } = member.ledger;
      const own = this.entryOf(clusterId, member.node);
      const direct = this.memberApis.get(member.nodeId);
      const others = this.entries.filter((entry) => entry.clusterId === clusterId && entry !== own);
      const through = others.map((entry): Route => ({ api: entry.api, isDirect: false, entryName: entry.config.name }));
      const first = through[0]?.entryName ?? '';
      member.routes = [
        ...(own === null ? [] : [{ api: own.api, isDirect: true, entryName: own.config.name }]),
        ...(own !== null || direct === undefined ? [] : [{ api: direct, isDirect: true, entryName: first }]),
        ...through,
      ];
    }
  }

  /**
   * An entry whose server does not answer: known from earlier days, its cluster's nodes are polled all the same, so that the
   * gap is recorded; never met, it gets a row that says why.
   */
  private async noteUnmet(entry: Entry, health: string, error: string): Promise<void> {
    if (entry.localNode !== null) return;
    const { name, host } = entry.config;
    const row = await inTransaction(this.parts.db, async (trx) => {
      const unmet = await ensureUnmetNode(trx, { name, hostname: host }, this.parts.clock.now());
      await updateNode(trx, unmet.id, { health, last_error: error.slice(0, 1000) });
      return unmet;
    });
    if (await isUnmet(this.parts.db.writer, row.clusterId)) return;
    entry.localNode = row.proxmoxName;
    entry.clusterId = row.clusterId;
    const ledger = await this.ledgerOf(row.clusterId);
    const rows = entry.config.scope === 'node' ? [row] : await nodesOf(this.parts.db.writer, row.clusterId);
    for (const known of rows) if (!this.members.has(known.id)) await this.addMember(known, ledger);
  }
}
