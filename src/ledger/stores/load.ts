import type { Knex } from 'knex';
import type { NodeCoverage } from '../../core/coverage.js';
import { guestKey, type GuestProfile, type GuestState } from '../../core/guest.js';
import type { NodeClock } from '../../core/node-clock.js';
import { newNodeState, type NodeState } from '../../core/node-state.js';
import type { Exchange, GuestType, NotSeenReason } from '../../core/observation.js';
import type { ClusterState } from '../../core/reconcile.js';
import { settledAt } from '../../core/sweep.js';
import { guestTypeOf, type Task } from '../../core/task.js';
import type { Window } from '../../core/window.js';
import type { Queryable } from '../database.js';
import { changeOf, lifeOf, sessionOf, spanOf, taskOf } from './facts-of-rows.js';
import { loadCoverage } from './gaps.js';
import { loadIdentities } from './identities.js';
import { loadMarks } from './journal.js';
import { loadRrd } from './rrd.js';
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
      lastSeen: { qemu: await lastSeen(db, id, 'qemu'), lxc: await lastSeen(db, id, 'lxc') },
      lastPollFinishedAt: last === null ? null : numberOf(last, 'finished_at'),
      coverageSince: maybeNumber(row, 'coverage_since'),
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
      spans: [...(known?.spans ?? []), ...own.map(spanOf)],
      isOpen: own.some((span) => span['open_guest_id'] !== null),
      tasks: known?.tasks ?? [],
      sessions: [...(known?.sessions ?? []), ...(sessions.get(id) ?? []).map((one) => sessionOf(one, segments))],
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
