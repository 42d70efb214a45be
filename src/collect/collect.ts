import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { GuestRow, GuestType, NodeObservation, Seen } from '../core/observation.js';
import type { NodePollReport, PollReport, PollRequest } from '../core/poll-report.js';
import { guestKey } from '../core/guest.js';
import type { Log } from '../log.js';
import type { Database } from '../ledger/database.js';
import { probePermissions } from '../proxmox/cluster.js';
import { fetchResources, observeNode } from '../proxmox/observe.js';
import type { AppliedPoll } from './cluster-ledger.js';
import { judge } from './health.js';
import type { Member, Route } from './member.js';
import { changeSentences } from './change-sentence.js';
import { Roster } from './roster.js';

/** The node's own status (uptime, version) is asked this often, and after every failed poll. */
const STATUS_MS = 5 * 60_000;
const DISCOVER_MS = 5 * 60_000;
const PROBE_MS = 24 * 3_600_000;
/** Finished UPIDs remembered per node: two pages of the log are enough to meet one. */
const KNOWN_UPIDS = 2_000;
/** Nodes polled at once when all are asked together. */
const CONCURRENT_NODES = 48;

export interface CollectParts {
  config: Config;
  db: Database;
  clock: Clock;
  log: Log;
}

/** Polls nodes and hands what was seen to their cluster's ledger. */
export class Collector {
  readonly roster: Roster;
  private discoveredAt: number | null = null;
  private probedAt: number | null = null;
  private errors: string[] = [];
  private discovering: Promise<void> | null = null;

  constructor(private readonly parts: CollectParts) {
    this.roster = new Roster(parts);
  }

  /** Meets the clusters behind `nodes:` where that is due: at start, every five minutes, and while an entry has not answered. */
  discover(): Promise<void> {
    const now = this.parts.clock.now();
    const isDue = this.discoveredAt === null || this.errors.length > 0 || now - this.discoveredAt >= DISCOVER_MS;
    if (!isDue && this.discovering === null) return Promise.resolve();
    this.discovering ??= this.discoverNow(now).finally(() => (this.discovering = null));
    return this.discovering;
  }

  private async discoverNow(now: number): Promise<void> {
    this.errors = await this.roster.discover();
    this.discoveredAt = now;
    for (const error of this.errors) this.parts.log.warn(error);
    if (this.probedAt !== null && now - this.probedAt < PROBE_MS) return;
    await this.roster.probe();
    if (this.errors.length === 0) this.probedAt = now;
  }

  /** What is asked once a cluster and interval: pools (ledger rule 2). Its failure costs nothing but the pools' freshness. */
  async pollClusters(): Promise<void> {
    await Promise.all(
      [...this.roster.clusterRoutes()].map(async ([ledger, route]) => {
        const answer = await fetchResources(route.api, this.parts.clock);
        if (answer.kind !== 'seen') return;
        for (const row of answer.value) ledger.state.pools.set(guestKey(row.type, row.vmid), row.pool);
      }),
    );
  }

  /** Polls that begin after this call, of the nodes asked for, and what they found (ledger rule 2). */
  async pollNow(request: PollRequest): Promise<PollReport> {
    await this.discover();
    const members = [...this.roster.members.values()].filter(
      (member) => request.nodes === null || request.nodes.includes(member.name),
    );
    const queue = [...members];
    const reports: NodePollReport[] = [];
    const report: PollReport = { nodes: reports, sessionsCreated: 0, sessionsUpdated: 0, sessionsSkipped: 0 };
    const work = async (): Promise<void> => {
      for (let member = queue.shift(); member !== undefined; member = queue.shift()) {
        // A poll under way began before the request: its answer would be older than the question.
        await member.polling?.catch(() => undefined);
        addTo(report, await this.poll(member));
      }
    };
    await Promise.all([this.pollClusters(), ...Array.from({ length: CONCURRENT_NODES }, work)]);
    if (request.nodes === null) {
      for (const error of this.errors) {
        const node = error.slice(0, error.indexOf(':'));
        if (reports.some((one) => one.node === node)) continue;
        reports.push({ node, isSeen: false, error: error.slice(node.length + 2), guestCount: 0, changes: [] });
      }
    }
    return report;
  }

  /** One poll of one node, applied when its network work is done; never rejects: what fails is in the report and the log. */
  poll(member: Member): Promise<PolledNode> {
    const polling = this.pollOnce(member).finally(() => (member.polling = null));
    member.polling = polling;
    return polling;
  }

  private async pollOnce(member: Member): Promise<PolledNode> {
    const observation = await this.observe(member);
    const { health, error } = judge(observation, member.missing);
    member.isFailing = health !== 'online' && health !== 'partial';
    member.pollCount += 1;
    const report = {
      node: member.name,
      isSeen: !member.isFailing,
      error,
      guestCount: countGuests(observation),
      changes: [],
    };
    try {
      const applied = await member.ledger.apply({ nodeId: member.nodeId, observation, health, error });
      remember(member, observation);
      return { report: { ...report, changes: applied.guests.flatMap(changeSentences) }, applied };
    } catch (failure) {
      this.parts.log.error('a poll could not be written; its facts are read again at the next one', {
        node: member.name,
        error: failure instanceof Error ? failure.message : String(failure),
      });
      const sentence = 'the database did not take the poll; see the log';
      return { report: { ...report, isSeen: false, error: sentence }, applied: null };
    }
  }

  /** The first route that sees the node; where none does, what the first one told. */
  private async observe(member: Member): Promise<NodeObservation> {
    let first: NodeObservation | null = null;
    for (const route of member.routes) {
      const observation = await this.observeBy(member, route);
      if (judge(observation, null).health === 'online') return this.withPermission(member, route, observation);
      first ??= observation;
    }
    if (first === null) throw new Error(`no way to node ${member.name} is known`);
    return first;
  }

  private async observeBy(member: Member, route: Route): Promise<NodeObservation> {
    const { clock, log, config } = this.parts;
    const askStatus =
      member.isFailing || member.statusAskedAt === null || clock.now() - member.statusAskedAt >= STATUS_MS;
    const isFirstContact = member.known.size === 0;
    const observation = await observeNode(
      route.api,
      {
        node: member.node,
        trackQemu: config.polling.trackQemu,
        trackLxc: config.polling.trackLxc,
        isKnownFinished: (upid) => member.known.has(upid) || (isFirstContact && !config.polling.backfill),
        askStatus,
        isDirect: route.isDirect,
      },
      { clock, log },
    );
    if (observation.status?.kind === 'seen') member.statusAskedAt = clock.now();
    return observation;
  }

  /** An empty list where guests were known may be a lost permission, which shows as nothing at all (proxmox-api.md, trap 4). */
  private async withPermission(member: Member, route: Route, observation: NodeObservation): Promise<NodeObservation> {
    const suspicious = (['qemu', 'lxc'] as const).filter(
      (type) => isEmpty(observation[type]) && hasGuests(member, type),
    );
    if (suspicious.length === 0) return observation;
    const probe = await probePermissions(route.api, member.node, this.parts.clock);
    const lost = probe.kind === 'seen' ? probe.value.missing.find((one) => one.privilege === 'VM.Audit') : undefined;
    if (probe.kind === 'seen' && lost === undefined) return observation;
    const detail =
      lost === undefined
        ? 'the guests vanished from the list and the token’s permissions could not be read'
        : `the token lacks VM.Audit on ${lost.path}: its guests are not shown any more`;
    const result = { ...observation };
    for (const type of suspicious) {
      const list = observation[type];
      if (list === null) continue;
      result[type] = {
        kind: 'not_seen',
        reason: 'permission_lost',
        detail,
        sentAt: list.sentAt,
        receivedAt: list.receivedAt,
      };
    }
    return result;
  }
}

export interface PolledNode {
  report: NodePollReport;
  /** Null when it could not be written. */
  applied: AppliedPoll | null;
}

function addTo(report: PollReport, { report: node, applied }: PolledNode): void {
  report.nodes.push(node);
  const changed = new Set<string>();
  for (const { change, difference } of applied?.guests ?? []) {
    report.sessionsCreated += difference.created.length;
    report.sessionsUpdated += difference.updated.length;
    if (difference.created.length + difference.updated.length > 0) changed.add(change.key);
  }
  report.sessionsSkipped += Math.max(0, node.guestCount - changed.size);
}

function countGuests(observation: NodeObservation): number {
  return [observation.qemu, observation.lxc].reduce(
    (sum, list) => sum + (list?.kind === 'seen' ? list.value.filter((row) => !row.isTemplate).length : 0),
    0,
  );
}

function isEmpty(list: Seen<GuestRow[]> | null): boolean {
  return list?.kind === 'seen' && list.value.length === 0;
}

function hasGuests(member: Member, type: GuestType): boolean {
  for (const guest of member.ledger.state.guests.values()) {
    if (guest.type === type && guest.isOpen && guest.nodeId === member.nodeId) return true;
  }
  return false;
}

/** Only what is written counts as known: a log read in vain is read again. */
function remember(member: Member, observation: NodeObservation): void {
  if (observation.tasks.kind !== 'seen') return;
  for (const row of observation.tasks.value.rows.toReversed()) if (row.endTimeS !== null) member.known.add(row.upid);
  for (const upid of member.known) {
    if (member.known.size <= KNOWN_UPIDS) break;
    member.known.delete(upid);
  }
}
