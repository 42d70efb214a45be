import type { NodeCoverage } from '../../core/coverage.js';
import type { GuestState } from '../../core/guest.js';
import { readClock, type NodeClock } from '../../core/node-clock.js';
import { bootByTask, bootsWith, newNodeState, type NodeState } from '../../core/node-state.js';
import type { Exchange, GuestType, NotSeenReason } from '../../core/observation.js';
import type { ClusterState } from '../../core/reconcile.js';
import type { Queryable } from '../database.js';
import { taskOf } from './facts-of-rows.js';
import { loadCoverage } from './gaps.js';
import { loadGuests } from './load-guests.js';
import { lastStatesSeen } from './polls.js';
import { maybeNumber, numberOf, textOf, windowOf, type Row } from './row.js';

/** Polls whose clock readings are intersected again at start. */
const CLOCK_POLLS = 40;

/** The cluster's state rebuilt from the database: at start, at take-over, and after a write that failed. */
export async function loadCluster(db: Queryable, clusterId: number): Promise<ClusterState> {
  const nodes = await loadNodes(db, clusterId);
  const tasks = (await loadTasks(db, clusterId)).map((row) => ({ row, task: taskOf(row) }));
  const guests = await loadGuests(
    db,
    clusterId,
    tasks.flatMap(({ task }) => (task.vmid === null ? [] : [task])),
  );
  for (const { task } of tasks) {
    const node = nodes.get(task.nodeId);
    if (node !== undefined && (task.vmid === null || task.type === 'vzdump')) node.tasks.push(task);
  }
  for (const { row, task } of [
    ...(await loadBootTasks(db, clusterId)).map((row) => ({ row, task: taskOf(row) })),
    ...tasks,
  ]) {
    const node = nodes.get(numberOf(row, 'node_id'));
    if (node !== undefined) node.boots = bootsWith(node.boots, bootByTask(task.start, task.raw.pstart));
  }
  const pools = new Map([...guests].map(([key, guest]) => [key, guest.profile.pool]));
  const coverage = new Map<number, NodeCoverage>();
  for (const id of nodes.keys()) coverage.set(id, await loadCoverage(db, id));
  return { nodes, guests, samples: new Map(), pools, pending: pendingOf(guests), coverage };
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

/** One task of each boot of each node: what is frozen tells no more than that the node booted then. */
async function loadBootTasks(db: Queryable, clusterId: number): Promise<Row[]> {
  const boots = (await db('tasks')
    .where({ cluster_id: clusterId })
    .groupBy('node_id')
    .groupByRaw('round((start_earliest - pstart * 10) / 3600000.0)')
    .max('id as id')) as { id: number }[];
  const rows: Row[] = [];
  for (let k = 0; k < boots.length; k += 500) {
    rows.push(
      ...((await db('tasks')
        .whereIn(
          'id',
          boots.slice(k, k + 500).map((one) => one.id),
        )
        .orderBy('id')) as Row[]),
    );
  }
  return rows;
}

/** After a restart every migration is looked at once more. */
function pendingOf(guests: ReadonlyMap<string, GuestState>): Map<string, number> {
  return new Map(
    [...guests].filter(([, guest]) => guest.tasks.some((task) => task.type === 'qmigrate')).map(([key]) => [key, 0]),
  );
}

async function loadNodes(db: Queryable, clusterId: number): Promise<Map<number, NodeState>> {
  const rows = (await db('nodes').where({ cluster_id: clusterId })) as Row[];
  const nodes = new Map<number, NodeState>();
  for (const row of rows) {
    const id = numberOf(row, 'id');
    const polls = (await db('polls').where({ node_id: id }).orderBy('began_at', 'desc').limit(CLOCK_POLLS)) as Row[];
    const boot = windowOf(row, 'boot');
    nodes.set(id, {
      ...newNodeState(id, textOf(row, 'proxmox_name')),
      clock: clockOf(polls),
      boots: boot === null ? [] : [boot],
      statesSeen: await lastStatesSeen(db, id),
      lastSeen: { qemu: await lastSeen(db, id, 'qemu'), lxc: await lastSeen(db, id, 'lxc') },
      lastPollFinishedAt: polls[0] === undefined ? null : numberOf(polls[0], 'finished_at'),
      coverageSince: maybeNumber(row, 'coverage_since'),
      gap: await openGap(db, id),
    });
  }
  return nodes;
}

function clockOf(newestFirst: readonly Row[]): NodeClock | null {
  let clock: NodeClock | null = null;
  for (const poll of [...newestFirst].reverse()) {
    const earliestMs = maybeNumber(poll, 'offset_earliest_ms');
    const latestMs = maybeNumber(poll, 'offset_latest_ms');
    if (earliestMs === null || latestMs === null) continue;
    clock = readClock(clock, { earliestMs, latestMs }, numberOf(poll, 'finished_at'));
  }
  return clock;
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
