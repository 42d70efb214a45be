import type { Knex } from 'knex';
import type { NodeCoverage } from '../../core/coverage.js';
import { guestKey, type GuestProfile, type GuestState } from '../../core/guest.js';
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
import { loadRrd } from './rrd.js';
import { loadPauses, loadPauseSpans } from './pauses.js';
import { lastStatesSeen } from './polls.js';
import { maybeNumber, maybeText, numberOf, textOf, windowOf, type Row } from './row.js';

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

/** Rows of a guest's facts since it was frozen, found by the index of guest and instant. */
function unfrozen(db: Queryable, clusterId: number, table: string, instant: string): Knex.QueryBuilder {
  return db('guests as g')
    .joinRaw(`cross join ${table} as f`)
    .where('g.cluster_id', clusterId)
    .whereRaw(`f.guest_id = g.id and f.${instant} >= coalesce(g.frozen_at, 0)`) as Knex.QueryBuilder;
}

async function loadGuests(db: Queryable, clusterId: number, tasks: readonly Task[]): Promise<Map<string, GuestState>> {
  const rows = (await db('guests').where({ cluster_id: clusterId }).orderBy('life')) as Row[];
  const spans = groupBy(
    (await unfrozen(db, clusterId, 'spans', 'first_sent')
      .select('f.*')
      .orderBy('f.first_sent')
      .orderBy('f.id')) as Row[],
  );
  const sessions = groupBy(
    (await unfrozen(db, clusterId, 'sessions', 'start_at')
      .select('f.*')
      .orderBy('f.start_at')
      .orderBy('f.id')) as Row[],
  );
  const segments = groupBy(
    (await db('segments')
      .whereIn('session_id', unfrozen(db, clusterId, 'sessions', 'start_at').select('f.id'))
      .orderBy('started_at')
      .orderBy('id')) as Row[],
    'session_id',
  );
  const pauses = await loadPauses(db, unfrozen(db, clusterId, 'sessions', 'start_at').select('f.id'));
  const pauseSpans = await loadPauseSpans(db, unfrozen(db, clusterId, 'spans', 'first_sent').select('f.id'));
  const changes = await loadResizes(db, clusterId);
  const journal = await loadMarks(db, clusterId);
  const rrd = await loadRrd(db, clusterId);
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
      profile: profileOf(row),
      spans: [...(known?.spans ?? []), ...own.map((span) => spanOf(span, pauseSpans))],
      isOpen: own.some((span) => span['open_guest_id'] !== null),
      tasks: known?.tasks ?? [],
      sessions: [
        ...(known?.sessions ?? []),
        ...(sessions.get(id) ?? []).map((one) => sessionOf(one, segments, pauses)),
      ],
      // Of the newest incarnation only: the sizes of those before are told by their segments.
      changes: (changes.get(id) ?? []).map(changeOf),
      identities: identities.get(key) ?? [],
      journal: [...(known?.journal ?? []), ...(journal.get(id) ?? [])],
      rrd: [...(known?.rrd ?? []), ...(rrd.get(id) ?? [])],
      frozenAt: maybeNumber(row, 'frozen_at') ?? known?.frozenAt ?? null,
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

function profileOf(row: Row): GuestProfile {
  return {
    name: maybeText(row, 'name'),
    cores: maybeNumber(row, 'cores'),
    memoryBytes: maybeNumber(row, 'memory_bytes'),
    tags: maybeText(row, 'tags'),
    pool: maybeText(row, 'pool'),
    isTemplate: row['is_template'] === 1,
  };
}

/** Changes of cores and memory by guest id, oldest first. */
async function loadResizes(db: Queryable, clusterId: number): Promise<Map<number, Row[]>> {
  const rows = (await db('guest_changes')
    .whereIn('guest_id', db('guests').where({ cluster_id: clusterId }).select('id'))
    .whereIn('field', ['cores', 'memory_bytes'])
    .orderBy('at')
    .orderBy('id')) as Row[];
  return groupBy(rows);
}
