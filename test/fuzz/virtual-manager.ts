import { commit, deriveGuest, reconcile, type ClusterState } from '../../src/core/reconcile.js';
import { guestKey } from '../../src/core/guest.js';
import type { IdentityFact } from '../../src/core/identity.js';
import { newNodeState } from '../../src/core/node-state.js';
import type { GuestType, NodeObservation } from '../../src/core/observation.js';
import type { GapChange } from '../../src/core/gap.js';
import { wantedRrd } from '../../src/core/rrd-wanted.js';
import type { Session } from '../../src/core/session.js';
import type { UnprovenGap } from '../../src/core/usage.js';
import { silentLog } from '../../src/log.js';
import type { ProxmoxApi } from '../../src/proxmox/client.js';
import { fetchResources, observeNode } from '../../src/proxmox/observe.js';
import { fetchRrd } from '../../src/proxmox/rrd.js';
import type { World } from '../../src/simulator/world.js';
import { MovedClock, worldApi } from './world-api.js';

const STATUS_MS = 5 * 60_000;

/** A node as its manager keeps it. */
export interface VirtualNode {
  id: number;
  name: string;
  api: ProxmoxApi;
  known: Set<string>;
  statusAskedAt: number;
  isFailing: boolean;
  pollCount: number;
  /** Questions for rrd data that were answered. */
  asked: Set<string>;
}

/** A list that was seen. */
export interface Look {
  node: string;
  type: GuestType;
  sentAt: number;
  receivedAt: number;
}

/** The manager's observe and reconcile over one cluster of a world, without database and sockets: what the fuzz judges. */
export class VirtualManager {
  readonly state: ClusterState;
  /** Every good list: what could be seen at all. */
  readonly looks: Look[] = [];
  /** What the ledger would hold of gaps in which lists were not seen. */
  readonly gaps: UnprovenGap[] = [];
  /** What of nodes' task logs was lost unread, as the ledger's gaps say. */
  readonly holes: { node: string; startedAt: number; endedAt: number }[] = [];
  /** When the cluster's resources were told. */
  readonly tellings: number[] = [];
  readonly nodes: VirtualNode[];
  /** Whether wide ends are asked about, as collect does. */
  asksRrd = true;
  private nextId = 1;

  constructor(
    world: World,
    readonly cluster: string,
    private readonly clock: MovedClock,
    private readonly intervalMs: number,
    tripMs: number,
  ) {
    const found = world.scenario.clusters.find((one) => (one.name ?? one.nodes[0]?.name) === cluster);
    const token = found?.tokens[0];
    if (found === undefined || token === undefined) throw new Error(`no cluster ${cluster} with a token`);
    const authorization = `PVEAPIToken=${token.user}!${token.tokenName}=${token.value}`;
    this.nodes = found.nodes.map(({ name }, k) => ({
      id: k + 1,
      name,
      api: worldApi(world, name, authorization, clock, tripMs),
      known: new Set(),
      statusAskedAt: Number.NEGATIVE_INFINITY,
      isFailing: false,
      pollCount: 0,
      asked: new Set(),
    }));
    const nodes = new Map(this.nodes.map((node) => [node.id, newNodeState(node.id, node.name)]));
    this.state = { nodes, guests: new Map(), samples: new Map(), pools: new Map(), pending: new Map() };
  }

  async pollResources(): Promise<void> {
    const first = this.nodes.find((node) => !node.isFailing);
    if (first === undefined) return;
    const answer = await fetchResources(first.api, this.clock);
    if (answer.kind !== 'seen') return;
    const { sentAt, receivedAt } = answer;
    this.tellings.push(receivedAt);
    for (const row of answer.value) {
      const key = guestKey(row.type, row.vmid);
      this.state.pools.set(key, row.pool);
      (this.state.told ??= new Map()).set(key, { row, sentAt, receivedAt });
    }
  }

  async poll(node: VirtualNode): Promise<NodeObservation> {
    const observation = await this.observe(node);
    const rrd = node.isFailing ? undefined : await this.readRrd(node);
    this.take(node, rrd === undefined ? observation : { ...observation, rrd });
    return observation;
  }

  /** What a poll at the clock's instant brings home; nothing is concluded from it before `take`. */
  async observe(node: VirtualNode): Promise<NodeObservation> {
    const { clock } = this;
    const askStatus = node.isFailing || clock.at - node.statusAskedAt >= STATUS_MS;
    const observation = await observeNode(
      node.api,
      {
        node: node.name,
        trackQemu: true,
        trackLxc: true,
        isKnownFinished: (upid) => node.known.has(upid),
        askStatus,
        isDirect: true,
      },
      { clock, log: silentLog, sleep: async (ms) => void (clock.at += ms) },
    );
    node.pollCount += 1;
    node.isFailing = observation.qemu?.kind !== 'seen' || observation.lxc?.kind !== 'seen';
    if (observation.status?.kind === 'seen') node.statusAskedAt = clock.at;
    return observation;
  }

  /** Takes what a poll brought home into the state, with what was read of guests' configs since; of a journal read for itself likewise. */
  take(node: VirtualNode, observation: NodeObservation, identities: readonly IdentityFact[] = []): void {
    for (const type of ['qemu', 'lxc'] as const) {
      const list = observation[type];
      // A token that may not see guests is shown an empty list: that is no look at one that is there.
      if (list?.kind === 'seen' && list.value.length > 0) {
        this.looks.push({ node: node.name, type, sentAt: list.sentAt, receivedAt: list.receivedAt });
      }
    }
    const change = reconcile(this.state, observation, node.id, { intervalMs: this.intervalMs, identities });
    for (const { after, derived } of change.guests) {
      after.spans = after.spans.map((span) => (span.id === null ? { ...span, id: this.nextId++ } : span));
      after.sessions = derived.sessions.map((session, k) => ({ id: k + 1, guestId: 1, session }));
    }
    for (const { reason, startedAt, endedAt } of change.gap.past)
      if (reason === 'log_rotated') this.holes.push({ node: node.name, startedAt, endedAt });
    commit(this.state, change);
    this.noteGaps(change.gap);
    if (observation.tasks.kind !== 'seen') return;
    for (const row of observation.tasks.value.rows) if (row.endTimeS !== null) node.known.add(row.upid);
  }

  private noteGaps({ nodeId, past, opened, closedAt, proven }: GapChange): void {
    for (const { startedAt, endedAt, reason } of past) {
      if (reason !== 'log_rotated' && reason !== 'clock_step') this.gaps.push({ nodeId, startedAt, endedAt });
    }
    const open = this.gaps.find((gap) => gap.nodeId === nodeId && gap.endedAt === null);
    if (closedAt !== null && open !== undefined) open.endedAt = closedAt;
    if (opened !== null) this.gaps.push({ nodeId, startedAt: opened.startedAt, endedAt: null });
    for (const { startedAt, endedAt } of proven) {
      const isIt = (gap: UnprovenGap): boolean =>
        gap.nodeId === nodeId && gap.startedAt === startedAt && gap.endedAt === endedAt;
      for (let k = this.gaps.findIndex(isIt); k >= 0; k = this.gaps.findIndex(isIt)) this.gaps.splice(k, 1);
    }
  }

  /** Until when a guest's newest process is proven: a span that is still open reaches to its node's last good list. */
  provenUntil(key: string): number {
    const guest = this.state.guests.get(key);
    const span = guest?.spans.findLast(({ state }) => state === 'running');
    if (guest === undefined || span === undefined) return Number.NEGATIVE_INFINITY;
    const isOpen = guest.isOpen && span === guest.spans.at(-1);
    const seenAt = isOpen ? this.state.nodes.get(span.nodeId)?.lastSeen[guest.type]?.sentAt : undefined;
    return Math.max(span.last.sentAt, seenAt ?? span.last.sentAt);
  }

  private async readRrd(node: VirtualNode): Promise<NodeObservation['rrd']> {
    if (!this.asksRrd) return undefined;
    const wanted = wantedRrd(this.state.guests.values(), node.id, this.clock.at, node.asked);
    if (wanted === null) return undefined;
    const answer = await fetchRrd(node.api, node.name, wanted, this.clock);
    if (answer.kind === 'seen') node.asked.add(wanted.key);
    return answer;
  }

  /** All sessions as they stand at the clock's instant, by guestKey. */
  sessions(): Map<string, Session[]> {
    const nodeOf = (id: number) => this.state.nodes.get(id);
    return new Map(
      [...this.state.guests].map(([key, guest]) => [key, deriveGuest(guest, nodeOf, this.clock.at).sessions]),
    );
  }
}

export interface RunOptions {
  from: number;
  until: number;
  intervalMs: number;
  tripMs: number;
  /** Blocks in which the manager is down. */
  down?: { from: number; to: number }[];
  /** Whether wide ends are asked about in the nodes' rrd data. Default true. */
  asksRrd?: boolean;
  /** Told of each poll: what another meter would have seen at the same instants. */
  onPoll?: (cluster: string, observation: NodeObservation) => void | Promise<void>;
}

/** Polls every node of every cluster of a world once an interval, spread and dithered as the schedule does. */
export async function watch(world: World, options: RunOptions): Promise<VirtualManager[]> {
  const clock = new MovedClock(options.from);
  const managers = world.scenario.clusters.map(
    (one) => new VirtualManager(world, one.name ?? one.nodes[0]?.name ?? '', clock, options.intervalMs, options.tripMs),
  );
  for (const manager of managers) manager.asksRrd = options.asksRrd ?? true;
  for (let tick = options.from; tick < options.until; tick += options.intervalMs) {
    if (options.down?.some(({ from, to }) => from <= tick && tick < to) === true) continue;
    for (const manager of managers) {
      clock.at = Math.max(clock.at, tick);
      await manager.pollResources();
      for (const [k, node] of manager.nodes.entries()) {
        const spreadMs = Math.floor((0.9 * options.intervalMs * k) / manager.nodes.length / 1000) * 1000;
        const ditherMs = Math.floor(((node.pollCount * 0.618_033_988_749_895) % 1) * 1000);
        clock.at = Math.max(clock.at, tick + spreadMs + ditherMs);
        const observation = await manager.poll(node);
        await options.onPoll?.(manager.cluster, observation);
      }
    }
  }
  return managers;
}
