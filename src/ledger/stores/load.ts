import type { NodeCoverage } from '../../core/coverage.js';
import type { GuestState } from '../../core/guest.js';
import type { NodeClock } from '../../core/node-clock.js';
import { newNodeState, type NodeState } from '../../core/node-state.js';
import type { Exchange, GuestType, NotSeenReason } from '../../core/observation.js';
import type { ClusterState } from '../../core/reconcile.js';
import { settledAt } from '../../core/task.js';
import type { Window } from '../../core/window.js';
import type { Queryable } from '../database.js';
import { taskOf } from './facts-of-rows.js';
import { loadCoverage } from './gaps.js';
import { loadGuests } from './load-guests.js';
import { lastStatesSeen } from './polls.js';
import { maybeNumber, maybeText, numberOf, textOf, windowOf, type Row } from './row.js';

/** The cluster's state rebuilt from the database: at start, at take-over, and after a write that failed. */
export async function loadCluster(db: Queryable, clusterId: number): Promise<ClusterState> {
  const nodes = await loadNodes(db, clusterId);
  const tasks = (await loadTasks(db, clusterId)).map(taskOf);
  const guests = await loadGuests(
    db,
    clusterId,
    tasks.filter((task) => task.vmid !== null),
  );
  for (const task of tasks) {
    const node = nodes.get(task.nodeId);
    if (node !== undefined && (task.vmid === null || task.type === 'vzdump')) node.tasks.push(task);
  }
  const pools = new Map([...guests].map(([key, guest]) => [key, guest.profile.pool]));
  const coverage = new Map<number, NodeCoverage>();
  for (const id of nodes.keys()) coverage.set(id, await loadCoverage(db, id));
  return { nodes, guests, samples: new Map(), pools, pending: pendingOf(guests, nodes), coverage };
}

/** The tasks of each guest since it was frozen, and those of nodes since the first guest was. */
async function loadTasks(db: Queryable, clusterId: number): Promise<Row[]> {
  // Guests first, then the index of tasks by VMID and time: what is frozen is not read.
  const ofGuests = (await db('guests as g')
    .joinRaw('cross join tasks as t')
    .where({ 'g.cluster_id': clusterId, 't.cluster_id': clusterId })
    .whereRaw('t.vmid = g.vmid and t.start_latest >= coalesce(g.frozen_at, 0)')
    .select('t.*')) as Row[];
  const oldest = (await db('guests')
    .where({ cluster_id: clusterId })
    .select(db.raw('min(coalesce(frozen_at, 0)) as oldest'))
    .first()) as { oldest: number | string | null } | undefined;
  const ofNodes = (await db('tasks')
    .where({ cluster_id: clusterId })
    .whereNull('vmid')
    .where('start_latest', '>=', Number(oldest?.oldest ?? 0))) as Row[];
  // A VMID may have had several lives, each with a row.
  const byId = new Map([...ofGuests, ...ofNodes].map((row) => [numberOf(row, 'id'), row]));
  return [...byId.values()].sort((a, b) => numberOf(a, 'id') - numberOf(b, 'id'));
}

/** Migrations that the polls so far left open. */
function pendingOf(
  guests: ReadonlyMap<string, GuestState>,
  nodes: ReadonlyMap<number, NodeState>,
): Map<string, number> {
  const polledAt = Math.max(...[...nodes.values()].map((node) => node.lastPollFinishedAt ?? 0));
  const pending = new Map<string, number>();
  for (const [key, { tasks }] of guests) {
    const settlesAt = Math.max(...tasks.map((task) => settledAt(task) ?? 0));
    if (settlesAt > polledAt) pending.set(key, settlesAt);
  }
  return pending;
}

async function loadNodes(db: Queryable, clusterId: number): Promise<Map<number, NodeState>> {
  const rows = (await db('nodes').where({ cluster_id: clusterId })) as Row[];
  const nodes = new Map<number, NodeState>();
  for (const row of rows) {
    const id = numberOf(row, 'id');
    const last = await lastPoll(db, id);
    nodes.set(id, {
      ...newNodeState(id, textOf(row, 'proxmox_name')),
      clock: clockOf(await lastPoll(db, id, 'clock'), 'clock'),
      uptimeClock: clockOf(await lastPoll(db, id, 'uptime_clock'), 'uptime_clock'),
      boots: bootsOf(row),
      statesSeen: await lastStatesSeen(db, id),
      lastSeen: { qemu: await lastSeen(db, id, 'qemu'), lxc: await lastSeen(db, id, 'lxc') },
      lastPollFinishedAt: last === null ? null : numberOf(last, 'finished_at'),
      coverageSince: maybeNumber(row, 'coverage_since'),
      contactAt: maybeNumber(row, 'agent_contact_at'),
      removedAt: maybeNumber(row, 'removed_at'),
      isReinstalled: numberOf(row, 'is_reinstalled') === 1,
      gap: await openGap(db, id),
    });
  }
  return nodes;
}

/** The node's newest poll, or the newest in which the column was told. */
async function lastPoll(db: Queryable, nodeId: number, told = 'began_at'): Promise<Row | null> {
  const row = (await db('polls').where({ node_id: nodeId }).whereNotNull(told).orderBy('began_at', 'desc').first()) as
    Row | undefined;
  return row ?? null;
}

/** A clock as it was known after the poll that read it last: no reading is taken into account twice. */
function clockOf(poll: Row | null, column: 'clock' | 'uptime_clock'): NodeClock | null {
  if (poll === null) return null;
  const [earliest = 0, latest = 0, readingCount = 0, since = 0, ...stepped] = JSON.parse(
    textOf(poll, column),
  ) as number[];
  const [from, to] = stepped;
  const before = from === undefined || to === undefined ? null : { earliest: from, latest: to };
  return { offset: { earliest, latest }, asOf: numberOf(poll, 'finished_at'), readingCount, since, before };
}

function bootsOf(row: Row): Window[] {
  const boots = maybeText(row, 'boots');
  const last = windowOf(row, 'boot');
  if (boots === null) return last === null ? [] : [last];
  return (JSON.parse(boots) as [number, number][]).map(([earliest, latest]) => ({ earliest, latest }));
}

async function lastSeen(db: Queryable, nodeId: number, type: GuestType): Promise<Exchange | null> {
  const row = (await db('polls')
    .where({ node_id: nodeId })
    .whereNotNull(`${type}_sent_at`)
    .orderBy(`${type}_sent_at`, 'desc')
    .first()) as Row | undefined;
  return row === undefined
    ? null
    : { sentAt: numberOf(row, `${type}_sent_at`), receivedAt: numberOf(row, `${type}_received_at`) };
}

async function openGap(db: Queryable, nodeId: number): Promise<NodeState['gap']> {
  const row = (await db('gaps').where({ open_node_id: nodeId }).first()) as Row | undefined;
  return row === undefined
    ? null
    : { startedAt: numberOf(row, 'started_at'), reason: textOf(row, 'reason') as NotSeenReason };
}
