import type { Clock } from '../clock.js';
import type { NodeConfig } from '../config/config.js';
import type { ClusterDiscovery } from '../core/observation.js';
import { isUnmet, nodeNamed, nodesOf, type NodeRow } from '../ledger/stores/clusters.js';
import { finishedUpids } from '../ledger/stores/facts.js';
import type { ProxmoxApi } from '../proxmox/client.js';
import { ClusterLedger } from './cluster-ledger.js';
import { closeWhenIdle, EntryBook, type BookParts } from './entry-book.js';
import { clientOf, interview, isDue } from './entry.js';
import { NamedFingerprints } from './fingerprints.js';
import { healthOf } from './health.js';
import type { Entry, Member, Route } from './member.js';
import { clusterIdOf, memberRow, noteDropped, noteUnmet, wantedNode } from './roster-rows.js';
import { entryOf, leadsTo, routesOf } from './routes.js';

export interface RosterParts extends Omit<BookParts, 'clientFor'> {
  clock: Clock;
}

/** Who is polled, by which way: the members of the clusters that the entries of `nodes:` lead to, each once. */
export class Roster {
  readonly members = new Map<number, Member>();
  readonly book: EntryBook;
  private readonly ledgers = new Map<number, Promise<ClusterLedger>>();
  private readonly fingerprints = new NamedFingerprints();
  /** Clients for members without an entry, by node id. */
  private readonly memberApis = new Map<number, Route>();
  private recalled: Promise<void> | null = null;
  private readonly rounds = new Set<Promise<void>>();
  /** Admissions go one after another: names are given out in them. */
  private admitting: Promise<void> = Promise.resolve();

  constructor(private readonly parts: RosterParts) {
    const clientFor = (entry: Pick<Entry, 'config' | 'localNode' | 'clusterId'>): ProxmoxApi =>
      this.clientFor(entry.config, entry.config.host, null, () => this.fingerprints.of(entry));
    this.book = new EntryBook({ ...parts, clientFor });
  }

  get entries(): readonly Entry[] {
    return this.book.entries;
  }

  /** Takes up what the database knows of the entries, so that no node waits for another's answer after a restart. */
  recall(): Promise<void> {
    this.recalled ??= this.recallAll().catch((error: unknown) => {
      this.recalled = null;
      throw error;
    });
    return this.recalled;
  }

  /** The member that bears the name of this one now: its node was installed anew. */
  async replace(member: Member): Promise<Member | null> {
    this.members.delete(member.nodeId);
    this.memberApis.delete(member.nodeId);
    await this.recallEntries();
    return [...this.members.values()].find(({ name }) => name === member.name) ?? null;
  }

  private async recallAll(): Promise<void> {
    await this.book.refresh();
    await this.recallEntries();
  }

  private async recallEntries(): Promise<void> {
    for (const entry of this.entries) await this.recallEntry(entry);
    this.linkRoutes();
  }

  private async recallEntry(entry: Entry): Promise<void> {
    const { writer } = this.parts.db;
    const row = await nodeNamed(writer, entry.config.name);
    if (row === null || !row.isActive || (await isUnmet(writer, row.clusterId))) return;
    entry.localNode ??= row.proxmoxName;
    entry.clusterId ??= row.clusterId;
    const ledger = await this.ledgerOf(row.clusterId);
    const rows = entry.config.scope === 'node' ? [row] : await nodesOf(writer, row.clusterId);
    for (const known of rows) await this.addMember(known, ledger);
  }

  /**
   * Takes up entries that were added, changed or removed in the database, by whichever manager or command; members to which no
   * entry leads any more are polled no longer, and their rows say so. Over once their polls under way are.
   */
  async refresh(): Promise<void> {
    const { left, came } = await this.book.refresh();
    if (left.length === 0 && came.length === 0) return;
    const dropped = [...this.members.values()].filter(
      (member) => !this.entries.some((entry) => leadsTo(entry, member)),
    );
    for (const { nodeId } of dropped) this.members.delete(nodeId);
    const retired = [...this.memberApis].filter(
      ([nodeId, route]) => left.includes(route.entry) || !this.members.has(nodeId),
    );
    for (const [nodeId] of retired) this.memberApis.delete(nodeId);
    this.linkRoutes();
    const ways = [...left, ...retired.map(([, { api }]) => ({ api, through: api, asking: null }))];
    closeWhenIdle(
      ways,
      [...this.members.values()].map(({ polling }) => polling),
    );
    for (const { polling } of dropped) await polling?.catch(() => undefined);
    await noteDropped(this.parts, dropped);
  }

  /** Asks the entries that are due who their clusters' members are; over when those that others asked meanwhile are too. */
  async discover(): Promise<void> {
    await this.refresh();
    const now = this.parts.clock.now();
    const due = this.entries.filter((entry) => entry.asking === null && isDue(entry, now));
    const round = this.meet(due);
    this.rounds.add(round);
    await Promise.all(this.rounds).finally(() => this.rounds.delete(round));
  }

  /** Asks one entry now, whoever else does not answer. */
  async introduce(entry: Entry): Promise<void> {
    // A round that asks it already waits for slower ones before it takes anybody in.
    await entry.asking;
    await this.meet([entry]);
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
        else if (error !== entry.error) await noteUnmet(this.parts, entry, healthOf(answer.reason), answer.detail);
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
    const sum = { requestCount: 0, handshakeCount: 0 };
    for (const { requestCount, handshakeCount } of this.apis()) {
      sum.requestCount += requestCount;
      sum.handshakeCount += handshakeCount;
    }
    return sum;
  }

  private apis(): ProxmoxApi[] {
    const ofMembers = [...this.memberApis.values()].map(({ api }) => api);
    return [...this.entries.flatMap(({ api, through }) => [api, through]), ...ofMembers];
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
    entry.clusterId = await clusterIdOf(this.parts, entry, discovery);
    entry.localNode = discovery.localNode;
    // A server that anyone may pretend to be vouches for nobody.
    if (entry.config.trust.kind !== 'unverified') this.fingerprints.take(entry.clusterId, discovery);
  }

  private async admit(entry: Entry, discovery: ClusterDiscovery): Promise<void> {
    const { clusterId } = entry;
    // An entry that left while it was asked leads nowhere any more.
    if (clusterId === null || !this.entries.includes(entry)) return;
    const ledger = await this.ledgerOf(clusterId);
    for (const member of discovery.members) {
      if (entry.config.scope === 'node' && member.node !== discovery.localNode) continue;
      const wanted = wantedNode(clusterId, discovery, member, { entry, entries: this.entries });
      const row = await memberRow(this.parts, entry, wanted);
      if (row === null) return;
      await this.addMember(row, ledger);
      const hasOwn = entryOf(this.entries, clusterId, member.node) !== null;
      if (!hasOwn && member.ip !== null && member.sslFingerprint !== null && !this.memberApis.has(row.id)) {
        const trusted = (): ReadonlySet<string> => this.fingerprints.of({ localNode: member.node, clusterId });
        const api = this.clientFor(entry.config, member.ip, member.sslFingerprint, trusted);
        this.memberApis.set(row.id, { api, isDirect: true, entry });
      }
    }
  }

  private async addMember(row: NodeRow, ledger: ClusterLedger): Promise<void> {
    if (this.members.has(row.id)) return;
    // New, or tracked again: what memory holds of it is old.
    const held = ledger.state.nodes.get(row.id);
    if (held === undefined || (held.removedAt ?? null) !== null) ledger.invalidate();
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
}
