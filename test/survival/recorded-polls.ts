import { judge } from '../../src/collect/health.js';
import { isClone, needsAbsenceCheck, needsReading, type IdentityFact } from '../../src/core/identity.js';
import { wantedJournal } from '../../src/core/journal-wanted.js';
import type { ToldState } from '../../src/core/run-state.js';
import type { JournalLine } from '../../src/core/journal.js';
import type { NodeObservation, Seen } from '../../src/core/observation.js';
import { fetchClonedVmid } from '../../src/proxmox/clone-log.js';
import { fetchIdentity } from '../../src/proxmox/cluster.js';
import { fetchJournal } from '../../src/proxmox/journal.js';
import { clusterKey, type Scenario } from '../../src/simulator/scenario.js';
import { compileWorld } from '../../src/simulator/world.js';
import { VirtualManager, type VirtualNode } from '../fuzz/virtual-manager.js';
import { MovedClock } from '../fuzz/world-api.js';

/** One poll as it came home, with all that goes into the ledger beside it: the same instants, however often it is applied. */
export interface RecordedPoll {
  cluster: string;
  /** The node's name in Proxmox. */
  node: string;
  observation: NodeObservation;
  health: string;
  error: string | null;
  /** Read of guests' configs since the node's last poll; `nodeId` counts the cluster's nodes from 1. */
  identities: IdentityFact[];
  /** What the cluster's resources told in this round, pools and the states of VMs: a manager that starts asks for them first. */
  told: [key: string, told: ToldState][];
}

/** What was watched: the nodes of each cluster, and the polls in the order in which they were made. */
export interface Recording {
  intervalMs: number;
  clusters: { name: string; nodes: string[] }[];
  polls: RecordedPoll[];
}

export interface RecordOptions {
  from: number;
  /** Instants of the rounds; each polls every node once. */
  rounds: readonly number[];
  intervalMs: number;
  tripMs?: number;
}

/** Watches a scenario without sockets or database, and keeps what each poll brought home (configs, clones' logs and the journal among it). */
export async function recordPolls(scenario: Scenario, options: RecordOptions): Promise<Recording> {
  for (const { tokens } of scenario.clusters)
    for (const token of tokens) for (const grant of token.privileges) grant.privileges.push('Sys.Syslog');
  const world = compileWorld(scenario);
  const clock = new MovedClock(options.from);
  const { intervalMs, tripMs = 5 } = options;
  const recorders = scenario.clusters.map(
    (cluster) => new Recorder(new VirtualManager(world, clusterKey(cluster), clock, intervalMs, tripMs), clock),
  );
  const polls: RecordedPoll[] = [];
  for (const roundAt of options.rounds) {
    for (const recorder of recorders) {
      clock.at = Math.max(clock.at, roundAt);
      polls.push(...(await recorder.round()));
    }
  }
  const clusters = recorders.map(({ manager }) => ({
    name: manager.cluster,
    nodes: manager.nodes.map(({ name }) => name),
  }));
  return { intervalMs, clusters, polls };
}

/** One cluster's polls, with the questions that collect asks beside them. */
class Recorder {
  private readonly found = new Map<number, IdentityFact[]>();
  private readonly asked = new Set<string>();
  private readonly clones = new Set<string>();

  constructor(
    readonly manager: VirtualManager,
    private readonly clock: MovedClock,
  ) {}

  async round(): Promise<RecordedPoll[]> {
    const { manager, clock } = this;
    const polls: RecordedPoll[] = [];
    const told = await this.resources();
    for (const node of manager.nodes) {
      const observed = await manager.observe(node);
      const journal = judge(observed, null).health === 'online' ? await this.journal(node) : null;
      const observation = journal === null ? observed : { ...observed, journal };
      const identities = this.found.get(node.id)?.splice(0) ?? [];
      manager.take(node, observation, identities);
      const { health, error } = judge(observation, null);
      polls.push({ cluster: manager.cluster, node: node.name, observation, health, error, identities, told });
      this.found.set(node.id, await this.identities(node));
      // Whole seconds would never narrow an uptime (ledger rule 3).
      clock.at += 617;
    }
    return polls;
  }

  private async resources(): Promise<RecordedPoll['told']> {
    const { state } = this.manager;
    state.told?.clear();
    await this.manager.pollResources();
    return [...(state.told ?? [])];
  }

  private async journal(node: VirtualNode): Promise<Seen<JournalLine[]> | null> {
    const { state } = this.manager;
    const wanted = wantedJournal(state.guests.values(), node.id, this.clock.at, this.asked);
    const offset = state.nodes.get(node.id)?.clock?.offset ?? null;
    if (wanted === null || offset === null) return null;
    const sinceS = Math.floor((wanted.window.earliest + offset.earliest) / 1000) - 35;
    const untilS = Math.ceil((wanted.window.latest + offset.latest) / 1000) + 35;
    const answer = await fetchJournal(node.api, node.name, { sinceS, untilS }, this.clock);
    if (answer.kind === 'seen') for (const key of wanted.keys) this.asked.add(key);
    return answer;
  }

  private async identities(node: VirtualNode): Promise<IdentityFact[]> {
    const { state } = this.manager;
    const facts: IdentityFact[] = [];
    for (const guest of state.guests.values()) {
      const { type, vmid, nodeId } = guest;
      for (const task of guest.tasks) {
        if (!isClone(task) || task.nodeId !== node.id || this.clones.has(task.upid)) continue;
        this.clones.add(task.upid);
        const answer = await fetchClonedVmid(node.api, node.name, task.upid, this.clock);
        if (answer.kind !== 'seen' || answer.value === null) continue;
        facts.push({ kind: 'cloned', type, vmid: answer.value, nodeId, window: task.start, upid: task.upid });
      }
      if (nodeId !== node.id) continue;
      const lastSeenAt = state.nodes.get(nodeId)?.lastSeen[type]?.sentAt ?? null;
      const isAbsent = needsAbsenceCheck(guest, lastSeenAt);
      if (!isAbsent && !needsReading(guest)) continue;
      const earliest = this.clock.at;
      const answers = [];
      for (const one of isAbsent ? this.manager.nodes : [node])
        answers.push(await fetchIdentity(one.api, one.name, type, vmid, this.clock));
      const window = { earliest, latest: this.clock.at };
      const [answer] = answers;
      if (isAbsent) {
        if (answers.every(({ kind }) => kind === 'gone')) facts.push({ kind: 'gone', type, vmid, nodeId, window });
      } else if (answer?.kind === 'seen') {
        facts.push({ kind: 'read', type, vmid, nodeId, window, identity: answer.value, isLogComplete: true });
      }
    }
    return facts;
  }
}
