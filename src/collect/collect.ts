import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { AgentAnswer, AgentCall } from '../core/ingest.js';
import type { Management } from '../core/management.js';
import { noMeter, type Meter } from '../core/meter.js';
import type { NodeEntries } from '../core/node-entries.js';
import type { PollReport, PollRequest } from '../core/poll-report.js';
import type { Log } from '../log.js';
import type { Database } from '../ledger/database.js';
import type { SecretBox } from '../secrets.js';
import type { ClusterLedger } from './cluster-ledger.js';
import { AgentDesk } from './agent-desk.js';
import { AgentNodes } from './agent-nodes.js';
import { ClockWatch } from './clock-watch.js';
import { EntryDesk, type EntryChecks } from './entry-desk.js';
import { managementOf } from './management.js';
import { judge } from './health.js';
import { IdentityReader } from './identities.js';
import { Look } from './look.js';
import { presentMember } from './reinstall.js';
import { remember, type Entry, type Member } from './member.js';
import { changeSentences } from './change-sentence.js';
import { addAgain, addTo, addUnmet, countGuests, type PolledNode } from './poll-round.js';
import { ResourceReader } from './resources.js';
import { Roster } from './roster.js';
import { clusterRoutes, leadsTo } from './routes.js';
import { WriteQueue } from './write-queue.js';

/** Rounds after which identities that still wait are left to the next polls: a clone's log, then its config. */
const SETTLE_ROUNDS = 3;
/** The outcome of a poll that the ledger did not take. */
const NOT_WRITTEN = 'not_written';
/** Nodes polled at once when all are asked together. */
const CONCURRENT_NODES = 48;

export interface CollectParts {
  config: Config;
  db: Database;
  clock: Clock;
  log: Log;
  /** Seals the tokens of entries that the database holds. */
  box: SecretBox;
  checks: EntryChecks;
  /** Told of every poll and transaction; by default nobody is. */
  meter?: Meter;
}

/** Polls nodes and hands what was seen to their cluster's ledger. */
export class Collector {
  readonly roster: Roster;
  private readonly meter: Meter;
  private readonly queue: WriteQueue;
  private readonly look: Look;
  readonly identities: IdentityReader;
  private readonly clockWatch: ClockWatch;
  private readonly resources: ResourceReader;
  private readonly agentNodes: AgentNodes;
  private readonly desk: AgentDesk;
  /** What people change by hand. */
  readonly management: Management;
  /** The entries of `nodes:`, which people also add while the manager runs. */
  readonly entries: NodeEntries;

  constructor(private readonly parts: CollectParts) {
    this.roster = new Roster(parts);
    this.meter = parts.meter ?? noMeter;
    this.queue = new WriteQueue(parts.db, undefined, this.meter);
    this.look = new Look(parts);
    this.resources = new ResourceReader(parts.clock);
    this.clockWatch = new ClockWatch(parts.clock);
    const { db, clock } = parts;
    const ledgerOf = (clusterId: number): Promise<ClusterLedger> => this.roster.ledgerOf(clusterId);
    this.agentNodes = new AgentNodes({ db, clock, entries: () => this.roster.entries, ledgerOf });
    const desks = { db, clock, queue: this.queue, nodes: this.agentNodes, ledgerOf };
    this.desk = new AgentDesk(desks);
    this.management = managementOf({ ...desks, isPolled: (id) => this.roster.members.has(id) });
    this.entries = new EntryDesk({
      ...parts,
      roster: this.roster,
      pollSoon: (entry) => this.pollSoon(entry),
      removeNode: (wish) => this.management.removeNode(wish),
    });
    this.identities = new IdentityReader(parts, (clusterId) =>
      [...this.roster.members.values()].filter((member) => member.ledger.clusterId === clusterId),
    );
  }

  /** Takes what a push agent says; resolves when it is committed. */
  acceptCall(call: AgentCall): Promise<AgentAnswer> {
    return this.desk.accept(call);
  }

  /** Meets the clusters behind `nodes:` where that is due: at start, every five minutes, and while an entry does not answer. */
  async discover(): Promise<void> {
    await this.roster.recall();
    await this.roster.discover();
    // A node that an agent reported may have turned out to be one that is polled.
    this.agentNodes.forget();
  }

  /** What is asked once a cluster and interval. */
  pollClusters(): Promise<void> {
    return this.resources.askAll(clusterRoutes(this.roster.members.values()));
  }

  /** Polls that begin after this call, of the nodes asked for, and what they found (ledger rule 2). */
  async pollNow(request: PollRequest): Promise<PollReport> {
    const report: PollReport = { nodes: [], sessionsCreated: 0, sessionsUpdated: 0, sessionsSkipped: 0 };
    await this.roster.recall();
    await this.roster.refresh();
    // Nodes that are known wait for nobody who has yet to say who he is.
    const known = this.wanted(request);
    const discovered = this.roster.discover();
    await Promise.all([this.pollAll(known, report), discovered]);
    await this.pollAll(
      this.wanted(request).filter((member) => !known.includes(member)),
      report,
    );
    if (request.nodes === null) addUnmet(report, this.roster.entries);
    return report;
  }

  /**
   * Waits for what the polls made worth asking, and polls the nodes once more where something was found, so that it is in the
   * ledger when this is over: what `once` and the first round of `serve` end with. Adds what changed to the report.
   */
  async settle(report: PollReport): Promise<void> {
    for (let round = 0; round < SETTLE_ROUNDS; round += 1) {
      await this.identities.idle();
      const found = [...this.roster.members.values()].filter((member) => this.identities.hasFound(member));
      if (found.length === 0) return;
      for (const member of found) {
        await member.polling?.catch(() => undefined);
        addAgain(report, await this.poll(member));
      }
    }
  }

  /** `stop` waits for them as for every poll under way. */
  private pollSoon(entry: Entry): void {
    this.agentNodes.forget();
    for (const member of this.roster.members.values()) {
      if (member.polling === null && leadsTo(entry, member)) void this.poll(member);
    }
  }

  private wanted({ nodes }: PollRequest): Member[] {
    return [...this.roster.members.values()].filter((member) => nodes === null || nodes.includes(member.name));
  }

  private async pollAll(members: readonly Member[], report: PollReport): Promise<void> {
    if (members.length === 0) return;
    const queue = [...members];
    const work = async (): Promise<void> => {
      for (let member = queue.shift(); member !== undefined; member = queue.shift()) {
        // A poll under way began before the request: its answer would be older than the question.
        await member.polling?.catch(() => undefined);
        addTo(report, await this.poll(member));
      }
    };
    await Promise.all([this.pollClusters(), ...Array.from({ length: CONCURRENT_NODES }, work)]);
  }

  /** One poll of one node, applied when its network work is done; never rejects: what fails is in the report and the log. */
  poll(member: Member): Promise<PolledNode> {
    if (!this.isMember(member)) return Promise.resolve(tooLate(member));
    const done = this.meter.polling(member.name);
    const polling = this.pollOnce(member)
      .catch((error: unknown) => this.failed(member, error))
      .then((polled) => {
        done(polled.health);
        return polled;
      })
      .finally(() => (member.polling = null));
    member.polling = polling;
    return polling;
  }

  private isMember(member: Member): boolean {
    return this.roster.members.get(member.nodeId) === member;
  }

  /** A fault of ours ends one poll, and neither the round nor the process. */
  private failed(member: Member, error: unknown): PolledNode {
    const sentence = 'the poll failed; see the log';
    this.parts.log.error('a poll failed; its facts are read again at the next one', {
      node: member.name,
      error: error instanceof Error ? error.message : String(error),
    });
    return {
      report: { node: member.name, isSeen: false, error: sentence, guestCount: 0, changes: [] },
      applied: null,
      health: NOT_WRITTEN,
    };
  }

  private async pollOnce(member: Member): Promise<PolledNode> {
    const { observation, missing } = await this.look.at(member);
    // Its entry was taken away meanwhile: its sessions have ended.
    if (!this.isMember(member)) return tooLate(member);
    // At first contact a guest is written with its pool, which the cluster's list tells.
    if (member.ledger.state.guests.size === 0) await this.resources.underWay(member.ledger);
    const present = await presentMember(member, observation, { ...this.parts, queue: this.queue, roster: this.roster });
    if (present === null) return tooLate(member);
    if (present !== member) return this.poll(present);
    const { health, error } = judge(observation, missing);
    member.isFailing = health !== 'online' && health !== 'partial';
    member.pollCount += 1;
    const report = {
      node: member.name,
      isSeen: !member.isFailing,
      error,
      guestCount: countGuests(observation),
      changes: [],
    };
    const identities = this.identities.take(member);
    const clockStepMs = this.clockWatch.aheadMs(member.nodeId, observation.offset !== null);
    try {
      const finished = { nodeId: member.nodeId, observation, health, error, clockStepMs, identities };
      const applied = await this.queue.apply(member.ledger, finished);
      remember(member, observation);
      this.identities.ask(member, applied);
      return { report: { ...report, changes: applied.guests.flatMap(changeSentences) }, applied, health };
    } catch (failure) {
      this.identities.giveBack(member, identities);
      this.parts.log.error('a poll could not be written; its facts are read again at the next one', {
        node: member.name,
        error: failure instanceof Error ? failure.message : String(failure),
      });
      const sentence = 'the database did not take the poll; see the log';
      return { report: { ...report, isSeen: false, error: sentence }, applied: null, health: NOT_WRITTEN };
    }
  }
}

/** The poll of a node that is polled no more: nothing is written. */
function tooLate({ name }: Member): PolledNode {
  const error = 'the node is tracked no more';
  return {
    report: { node: name, isSeen: false, error, guestCount: 0, changes: [] },
    applied: null,
    health: NOT_WRITTEN,
  };
}
