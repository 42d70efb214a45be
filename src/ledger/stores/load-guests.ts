import type { Knex } from 'knex';
import type { AgentReport } from '../../core/agent-report.js';
import { guestKey, type GuestProfile, type GuestState } from '../../core/guest.js';
import type { GuestType } from '../../core/observation.js';
import { guestTypeOf, type Task } from '../../core/task.js';
import type { Queryable } from '../database.js';
import { loadReports } from './agents.js';
import { changeOf, lifeOf, sessionOf, spanOf } from './facts-of-rows.js';
import { loadIdentities } from './identities.js';
import { loadMarks } from './journal.js';
import { loadRrd } from './rrd.js';
import { loadPauses, loadPauseSpans } from './pauses.js';
import { maybeNumber, maybeText, numberOf, textOf, type Row } from './row.js';

/** Rows of a guest's facts since it was frozen, found by the index of guest and instant. */
function unfrozen(db: Queryable, clusterId: number, table: string, instant: string): Knex.QueryBuilder {
  return db('guests as g')
    .joinRaw(`cross join ${table} as f`)
    .where('g.cluster_id', clusterId)
    .whereRaw(`f.guest_id = g.id and f.${instant} >= coalesce(g.frozen_at, 0)`) as Knex.QueryBuilder;
}

/** The facts of a cluster's guests since each was frozen. */
interface GuestRows {
  guests: Row[];
  spans: Map<number, Row[]>;
  sessions: Map<number, Row[]>;
  segments: Map<number, Row[]>;
}

async function guestRows(db: Queryable, clusterId: number): Promise<GuestRows> {
  const guests = (await db('guests').where({ cluster_id: clusterId }).orderBy('life')) as Row[];
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
  return { guests, spans, sessions, segments };
}

/** The guests of a cluster with their facts and sessions, by guestKey; `tasks` are those of its guests. */
export async function loadGuests(
  db: Queryable,
  clusterId: number,
  tasks: readonly Task[],
): Promise<Map<string, GuestState>> {
  const { guests: rows, spans, sessions, segments } = await guestRows(db, clusterId);
  const pauses = await loadPauses(db, unfrozen(db, clusterId, 'sessions', 'start_at').select('f.id'));
  const pauseSpans = await loadPauseSpans(db, unfrozen(db, clusterId, 'spans', 'first_sent').select('f.id'));
  const changes = await loadResizes(db, clusterId);
  const journal = await loadMarks(db, clusterId);
  const rrd = await loadRrd(db, clusterId);
  const identities = await loadIdentities(db, clusterId);
  const reports = await loadReports(db, clusterId);
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
      ...reportsOf([...(known?.reports ?? []), ...(reports.get(id) ?? [])]),
      frozenAt: maybeNumber(row, 'frozen_at') ?? known?.frozenAt ?? null,
    });
  }
  for (const task of tasks) {
    if (task.vmid !== null && task.type !== 'vzdump')
      guests.get(guestKey(guestTypeOf(task.type), task.vmid))?.tasks.push(task);
  }
  return guests;
}

function reportsOf(reports: AgentReport[]): Pick<GuestState, 'reports'> {
  return reports.length === 0 ? {} : { reports };
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
