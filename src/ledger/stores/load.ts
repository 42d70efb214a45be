import type { NodeCoverage } from '../../core/coverage.js';
import { guestKey, type GuestState } from '../../core/guest.js';
import { readClock, type NodeClock } from '../../core/node-clock.js';
import { bootByTask, bootsWith, newNodeState, type NodeState } from '../../core/node-state.js';
import type { Exchange, GuestType, NotSeenReason } from '../../core/observation.js';
import type { ClusterState } from '../../core/reconcile.js';
import { guestTypeOf, type Task } from '../../core/task.js';
import type { Queryable } from '../database.js';
import { changeOf, lifeOf, sessionOf, spanOf, taskOf } from './facts-of-rows.js';
import { loadCoverage } from './gaps.js';
import { loadIdentities } from './identities.js';
import { loadMarks } from './journal.js';
import { maybeNumber, maybeText, numberOf, textOf, windowOf, type Row } from './row.js';

/** Polls whose clock readings are intersected again at start. */
const CLOCK_POLLS = 40;

/** The cluster's state rebuilt from the database: at start, at take-over, and after a write that failed. */
export async function loadCluster(db: Queryable, clusterId: number): Promise<ClusterState> {
  const nodes = await loadNodes(db, clusterId);
  const tasks = (await db('tasks').where({ cluster_id: clusterId }).orderBy('id')) as Row[];
  const guests = await loadGuests(db, clusterId, tasks.filter((row) => row['vmid'] !== null).map(taskOf));
  for (const row of tasks) {
    const node = nodes.get(numberOf(row, 'node_id'));
    if (node === undefined) continue;
    const task = taskOf(row);
    if (task.vmid === null || task.type === 'vzdump') node.tasks.push(task);
    node.boots = bootsWith(node.boots, bootByTask(task.start, task.raw.pstart));
  }
  const pools = new Map([...guests].map(([key, guest]) => [key, guest.profile.pool]));
  const coverage = new Map<number, NodeCoverage>();
  for (const id of nodes.keys()) coverage.set(id, await loadCoverage(db, id));
  return { nodes, guests, samples: new Map(), pools, pending: pendingOf(guests), coverage };
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

async function loadGuests(db: Queryable, clusterId: number, tasks: readonly Task[]): Promise<Map<string, GuestState>> {
  const rows = (await db('guests').where({ cluster_id: clusterId }).orderBy('life')) as Row[];
  const ofCluster = db('guests').where({ cluster_id: clusterId }).select('id');
  const spans = groupBy(
    (await db('spans').whereIn('guest_id', ofCluster).orderBy('first_sent').orderBy('id')) as Row[],
  );
  const sessions = groupBy(
    (await db('sessions').whereIn('guest_id', ofCluster).orderBy('start_at').orderBy('id')) as Row[],
  );
  const segments = groupBy(
    (await db('segments')
      .whereIn('session_id', db('sessions').whereIn('guest_id', ofCluster).select('id'))
      .orderBy('started_at')
      .orderBy('id')) as Row[],
    'session_id',
  );
  const changes = groupBy(
    (await db('guest_changes')
      .whereIn('guest_id', ofCluster)
      .whereIn('field', ['cores', 'memory_bytes'])
      .orderBy('at')
      .orderBy('id')) as Row[],
  );
  const journal = await loadMarks(db, clusterId);
  const identities = await loadIdentities(db, clusterId);
  const guests = new Map<string, GuestState>();
  for (const row of rows) {
    const id = numberOf(row, 'id');
    const type = textOf(row, 'type') as GuestType;
    const vmid = numberOf(row, 'vmid');
    const key = guestKey(type, vmid);
    const known = guests.get(key);
    const own = spans.get(id) ?? [];
    guests.set(key, {
      type,
      vmid,
      lives: [...(known?.lives ?? []), lifeOf(row, id)],
      nodeId: numberOf(row, 'node_id'),
      profile: {
        name: maybeText(row, 'name'),
        cores: maybeNumber(row, 'cores'),
        memoryBytes: maybeNumber(row, 'memory_bytes'),
        tags: maybeText(row, 'tags'),
        pool: maybeText(row, 'pool'),
        isTemplate: row['is_template'] === 1,
      },
      spans: [...(known?.spans ?? []), ...own.map(spanOf)],
      isOpen: own.some((span) => span['open_guest_id'] !== null),
      tasks: known?.tasks ?? [],
      sessions: [...(known?.sessions ?? []), ...(sessions.get(id) ?? []).map((one) => sessionOf(one, segments))],
      // Of the newest incarnation only: the sizes of those before are told by their segments.
      changes: (changes.get(id) ?? []).map(changeOf),
      identities: identities.get(key) ?? [],
      journal: [...(known?.journal ?? []), ...(journal.get(id) ?? [])],
      frozenAt: known?.frozenAt ?? null,
    });
  }
  for (const task of tasks) {
    if (task.vmid !== null && task.type !== 'vzdump')
      guests.get(guestKey(guestTypeOf(task.type), task.vmid))?.tasks.push(task);
  }
  return guests;
}

function groupBy(rows: readonly Row[], column = 'guest_id'): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const key = numberOf(row, column);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
