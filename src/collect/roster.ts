import type { Clock } from '../clock.js';
import type { Config, NodeConfig } from '../config/config.js';
import type { ClusterDiscovery } from '../core/observation.js';
import { inTransaction, isUniqueViolation, type Database } from '../ledger/database.js';
import {
  ensureNode,
  ensureUnmetNode,
  isUnmet,
  nodeNamed,
  nodesOf,
  updateNode,
  type NodeRow,
} from '../ledger/stores/clusters.js';
import { finishedUpids } from '../ledger/stores/facts.js';
import type { Log } from '../log.js';
import type { ProxmoxApi } from '../proxmox/client.js';
import { ClusterLedger } from './cluster-ledger.js';
import { clientOf, interview, isDue } from './entry.js';
import { NamedFingerprints } from './fingerprints.js';
import { healthOf } from './health.js';
import { clusterNameOf, identifyCluster } from './identify.js';
import type { Entry, Member, Route } from './member.js';
import { entryOf, routesOf } from './routes.js';

export interface RosterParts {
  config: Config;
  db: Database;
  clock: Clock;
  log: Log;
}

/** Who is polled, by which way: the members of the clusters that the entries of `nodes:` lead to, each once. */
export class Roster {
  readonly members = new Map<number, Member>();
  readonly entries: readonly Entry[];
  private readonly ledgers = new Map<number, Promise<ClusterLedger>>();
  private readonly fingerprints = new NamedFingerprints();
  /** Clients for members without an entry, by node id. */
  private readonly memberApis = new Map<number, Route>();
  private recalled: Promise<void> | null = null;
  private readonly rounds = new Set<Promise<void>>();
  /** Admissions go one after another: names are given out in them. */
  private admitting: Promise<void> = Promise.resolve();

  constructor(private readonly parts: RosterParts) {
    this.entries = parts.config.nodes.map((config) => {
      const trusted = (): ReadonlySet<string> => this.fingerprints.of(entry);
      const entry: Entry = {
        config,
        api: this.clientFor(config, config.host, null, trusted),
        through: this.clientFor(config, config.host, null, trusted),
        localNode: null,
        clusterId: null,
        askedAt: null,
        error: null,
        asking: null,
        missing: null,
        seesPools: false,
        probedAt: null,
      };
      return entry;
    });
  }

  /** Takes up what the database knows of the entries, so that no node waits for another's answer after a restart. */
  recall(): Promise<void> {
    this.recalled ??= this.recallAll().catch((error: unknown) => {
      this.recalled = null;
      throw error;
    });
    return this.recalled;
  }

  /** Takes up what another row of the database tells of the member now. */
  async replace(member: Member): Promise<Member | null> {
    this.members.delete(member.nodeId);
    this.memberApis.delete(member.nodeId);
    await this.recallAll();
    return [...this.members.values()].find(({ name }) => name === member.name) ?? null;
  }

  private async recallAll(): Promise<void> {
    const { writer } = this.parts.db;
    for (const entry of this.entries) {
      const row = await nodeNamed(writer, entry.config.name);
      if (row === null || !row.isActive || (await isUnmet(writer, row.clusterId))) continue;
      entry.localNode = row.proxmoxName;
      entry.clusterId = row.clusterId;
      const ledger = await this.ledgerOf(row.clusterId);
      const rows = entry.config.scope === 'node' ? [row] : await nodesOf(writer, row.clusterId);
      for (const known of rows) await this.addMember(known, ledger);
    }
    this.linkRoutes();
  }

  /** Asks the entries that are due who their clusters' members are; over when those that others asked meanwhile are too. */
  async discover(): Promise<void> {
    const now = this.parts.clock.now();
    const due = this.entries.filter((entry) => entry.asking === null && isDue(entry, now));
    const round = this.meet(due);
    this.rounds.add(round);
    await Promise.all(this.rounds).finally(() => this.rounds.delete(round));
  }

  private async meet(due: readonly Entry[]): Promise<void> {
    const answers = due.map(async (entry) => ({ entry, answer: await interview(entry, this.parts.clock) }));
    due.forEach((entry, k) => {
      const done = (): void => void (entry.asking = null);
      entry.asking = (answers[k] ?? Promise.resolve()).then(done, done);
    });
    const told = await Promise.all(answers);
    const admitted = this.admitting.then(async () => {
      const met: { entry: Entry; discovery: ClusterDiscovery }[] = [];
      for (const { entry, answer } of told) {
        const error = answer.kind === 'seen' ? null : answer.detail;
        if (answer.kind === 'seen') met.push({ entry, discovery: answer.value });
        else if (error !== entry.error) await this.noteUnmet(entry, healthOf(answer.reason), answer.detail);
        if (error !== null && error !== entry.error) this.parts.log.warn(`${entry.config.name}: ${error}`);
        entry.error = error;
      }
      // Who each of them is, before the first name is given: a node is called as its own entry calls it.
      for (const { entry, discovery } of met) await this.identify(entry, discovery);
      for (const { entry, discovery } of met) await this.admit(entry, discovery);
      this.linkRoutes();
    });
    this.admitting = admitted.catch(() => undefined);
    await admitted;
  }

  /** Closes every connection. */
  close(): void {
    for (const api of this.apis()) api.close();
  }

  /** Requests and handshakes made so far, for the benches. */
  get traffic(): { requestCount: number; handshakeCount: number } {
    const apis = this.apis();
    return {
      requestCount: apis.reduce((sum, api) => sum + api.requestCount, 0),
      handshakeCount: apis.reduce((sum, api) => sum + api.handshakeCount, 0),
    };
  }

  private apis(): ProxmoxApi[] {
    const ofMembers = [...this.memberApis.values()].map(({ api }) => api);
    return [...this.entries.flatMap(({ api, through }) => [api, through]), ...ofMembers];
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

  private clientFor(
    config: NodeConfig,
    host: string,
    fingerprint: string | null,
    trustedFingerprints: () => ReadonlySet<string>,
  ): ProxmoxApi {
    const { clock, log, config: whole } = this.parts;
    return clientOf(config, { host, fingerprint }, { polling: whole.polling, clock, log, trustedFingerprints });
  }

  private async identify(entry: Entry, discovery: ClusterDiscovery): Promise<void> {
    const identified = (): Promise<number> =>
      inTransaction(this.parts.db, async (trx) => (await identifyCluster(trx, discovery, this.parts.clock.now())).id);
    // Another manager may meet the same cluster at this moment: then its row is there the second time.
    entry.clusterId = await identified().catch((error: unknown) => {
      if (isUniqueViolation(error)) return identified();
      throw error;
    });
    entry.localNode = discovery.localNode;
    // A server that anyone may pretend to be vouches for nobody.
    if (entry.config.trust.kind !== 'unverified') this.fingerprints.take(entry.clusterId, discovery);
  }

  private async admit(entry: Entry, discovery: ClusterDiscovery): Promise<void> {
    const { clusterId } = entry;
    if (clusterId === null) return;
    const ledger = await this.ledgerOf(clusterId);
    for (const member of discovery.members) {
      if (entry.config.scope === 'node' && member.node !== discovery.localNode) continue;
      const own = entryOf(this.entries, clusterId, member.node);
      const wanted = {
        clusterId,
        clusterName: clusterNameOf(discovery),
        name: own?.config.name ?? member.node,
        proxmoxName: member.node,
        hostname: own?.config.host ?? member.ip ?? entry.config.host,
      };
      const ensured = (): Promise<NodeRow> =>
        inTransaction(this.parts.db, (trx) => ensureNode(trx, wanted, this.parts.clock.now()));
      const row = await ensured().catch((error: unknown) => {
        if (isUniqueViolation(error)) return ensured();
        throw error;
      });
      await this.addMember(row, ledger);
      if (own === null && member.ip !== null && member.sslFingerprint !== null && !this.memberApis.has(row.id)) {
        const trusted = (): ReadonlySet<string> => this.fingerprints.of({ localNode: member.node, clusterId });
        const api = this.clientFor(entry.config, member.ip, member.sslFingerprint, trusted);
        this.memberApis.set(row.id, { api, isDirect: true, entry });
      }
    }
  }

  private async addMember(row: NodeRow, ledger: ClusterLedger): Promise<void> {
    if (this.members.has(row.id)) return;
    if (!ledger.state.nodes.has(row.id)) ledger.invalidate();
    this.members.set(row.id, {
      nodeId: row.id,
      name: row.name,
      node: row.proxmoxName,
      ledger,
      routes: [],
      avoidedUntil: new Map(),
      known: new Set(await finishedUpids(this.parts.db.writer, row.id)),
      statusAskedAt: null,
      isFailing: false,
      polling: null,
      pollCount: 0,
    });
  }

  /** The ledger of a stored cluster; one for all that write to it. */
  ledgerOf(clusterId: number): Promise<ClusterLedger> {
    const known = this.ledgers.get(clusterId);
    if (known !== undefined) return known;
    const { db, clock, config } = this.parts;
    const intervalMs = config.polling.intervalSeconds * 1000;
    const opened = ClusterLedger.open(db, clusterId, { clock, intervalMs });
    this.ledgers.set(clusterId, opened);
    opened.catch(() => this.ledgers.delete(clusterId));
    return opened;
  }

  private linkRoutes(): void {
    for (const member of this.members.values()) {
      member.routes = routesOf(member, this.entries, this.memberApis.get(member.nodeId) ?? null);
    }
  }

  /** An entry whose server does not answer and never did gets a row that says why. */
  private async noteUnmet(entry: Entry, health: string, error: string): Promise<void> {
    if (entry.localNode !== null) return;
    const { name, host } = entry.config;
    await inTransaction(this.parts.db, async (trx) => {
      const unmet = await ensureUnmetNode(trx, { name, hostname: host }, this.parts.clock.now());
      await updateNode(trx, unmet.id, { health, last_error: error.slice(0, 1000) });
    });
  }
}
