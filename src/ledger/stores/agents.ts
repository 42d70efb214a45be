import type { Knex } from 'knex';
import type { AgentReport } from '../../core/agent-report.js';
import type { GuestState } from '../../core/guest.js';
import type { AgentAnswer, AgentCall } from '../../core/ingest.js';
import type { Queryable, Trx } from '../database.js';
import { insertForIds } from './bulk.js';
import type { NodeFields } from './clusters.js';
import { maybeNumber, numberOf, textOf, windowOf, type Row } from './row.js';

/** What a node's row remembers of its push agent. */
export interface NodeAgent {
  contactAt: number | null;
  offsetMs: number | null;
  isSyncDue: boolean;
}

/** What is remembered of a node's agent. */
export async function agentOf(trx: Trx, nodeId: number): Promise<NodeAgent> {
  const row = (await trx('nodes').where({ id: nodeId }).first('agent_contact_at', 'agent_offset_ms', 'is_sync_due')) as
    Row | undefined;
  if (row === undefined) throw new Error(`node ${nodeId} is not in the database`);
  return {
    contactAt: maybeNumber(row, 'agent_contact_at'),
    offsetMs: maybeNumber(row, 'agent_offset_ms'),
    isSyncDue: row['is_sync_due'] === 1,
  };
}

/** Writes what is remembered of a node's agent, with other fields of its row. */
export async function writeAgent(
  trx: Trx,
  nodeId: number,
  agent: NodeAgent,
  fields: Partial<NodeFields> = {},
): Promise<void> {
  await trx('nodes')
    .where({ id: nodeId })
    .update({
      ...fields,
      agent_contact_at: agent.contactAt,
      agent_offset_ms: agent.offsetMs,
      is_sync_due: agent.isSyncDue ? 1 : 0,
    });
}

/** The clusters that hold agents of the node of that wire name, or of all nodes. */
export async function clustersWithAgents(db: Queryable, node: string | null): Promise<number[]> {
  const rows = (await agents(db, node).distinct('cluster_id')) as { cluster_id: number }[];
  return rows.map((row) => row.cluster_id);
}

/** The cluster's agents that were ever in contact will be told once to send all that they see; yields how many. */
export async function askForSync(trx: Trx, clusterId: number, node: string | null): Promise<number> {
  return agents(trx, node).where({ cluster_id: clusterId }).update({ is_sync_due: 1 });
}

function agents(db: Queryable, node: string | null): Knex.QueryBuilder {
  const query = db('nodes').where({ is_active: 1 }).whereNotNull('agent_contact_at');
  return node === null ? query : query.where({ name: node });
}

/** What the first delivery of an event was answered; null where it was not delivered yet. */
export async function answerOf(trx: Trx, nodeId: number, eventId: string): Promise<AgentAnswer | null> {
  const row = (await trx('agent_events').where({ node_id: nodeId, event_id: eventId }).first('answer')) as
    { answer: string } | undefined;
  return row === undefined ? null : (JSON.parse(row.answer) as AgentAnswer);
}

/** Keeps an event whole, with its answer (ledger rule 23). */
export async function writeEvent(trx: Trx, nodeId: number, call: AgentCall, answer: AgentAnswer): Promise<void> {
  await trx('agent_events').insert({
    node_id: nodeId,
    event_id: call.eventId,
    kind: call.word.kind,
    arrived_at: call.arrivedAt,
    stamp_at: call.stampAt,
    sent_at: call.sentAt,
    body: JSON.stringify(call.word),
    answer: JSON.stringify(answer),
  });
}

/** A contact that arrived late lies before reports that were stored already: theirs is the later one of it and what they knew. */
export async function writeLateContact(trx: Trx, nodeId: number, at: number): Promise<number> {
  return trx('agent_reports')
    .where({ node_id: nodeId })
    .where('latest', '>', at)
    .where((before) => void before.whereNull('contact_before_at').orWhere('contact_before_at', '<', at))
    .update({ contact_before_at: at });
}

/** A guest's reports before and after a call; `guestId` is the row of its present incarnation. */
export interface ReportChange {
  guestId: number;
  before: GuestState | null;
  after: GuestState;
}

/** Writes the reports that are new, of all guests together, and gives them their ids: `after` then holds them; none is ever changed. */
export async function writeReports(trx: Trx, changes: readonly ReportChange[], now: number): Promise<void> {
  const rows: Record<string, unknown>[] = [];
  const owners: { after: GuestState; fresh: ReadonlySet<AgentReport> }[] = [];
  for (const { guestId, before, after } of changes) {
    if (after.reports === undefined || after.reports === before?.reports) continue;
    const fresh = after.reports.filter((report) => report.id === null);
    if (fresh.length === 0) continue;
    rows.push(...fresh.map((report) => reportRow(guestId, report, now)));
    owners.push({ after, fresh: new Set(fresh) });
  }
  const ids = (await insertForIds(trx, 'agent_reports', rows)).values();
  const withId = (report: AgentReport): AgentReport => ({ ...report, id: ids.next().value ?? null });
  for (const { after, fresh } of owners) {
    after.reports = after.reports?.map((report) => (fresh.has(report) ? withId(report) : report)) ?? [];
  }
}

function reportRow(guestId: number, report: AgentReport, now: number): Record<string, unknown> {
  return {
    guest_id: guestId,
    node_id: report.nodeId,
    source: report.source,
    state: report.state,
    is_edge: report.isEdge ? 1 : 0,
    earliest: report.window.earliest,
    latest: report.window.latest,
    start_earliest: report.start?.earliest ?? null,
    start_latest: report.start?.latest ?? null,
    is_young: report.isYoung ? 1 : 0,
    contact_before_at: report.contactBeforeAt,
    actor: report.actor?.slice(0, 255) ?? null,
    created_at: now,
  };
}

/** The reports on a cluster's guests since each was frozen, by guest id, oldest first. */
export async function loadReports(db: Queryable, clusterId: number): Promise<Map<number, AgentReport[]>> {
  const rows = (await db('guests as g')
    .joinRaw('cross join agent_reports as r')
    .where('g.cluster_id', clusterId)
    .whereRaw('r.guest_id = g.id and r.latest >= coalesce(g.frozen_at, 0)')
    .select('r.*')
    .orderBy('r.latest')
    .orderBy('r.id')) as Row[];
  const reports = new Map<number, AgentReport[]>();
  for (const row of rows) {
    const guestId = numberOf(row, 'guest_id');
    const list = reports.get(guestId);
    if (list === undefined) reports.set(guestId, [reportOf(row)]);
    else list.push(reportOf(row));
  }
  return reports;
}

function reportOf(row: Row): AgentReport {
  return {
    id: numberOf(row, 'id'),
    nodeId: numberOf(row, 'node_id'),
    source: textOf(row, 'source') as AgentReport['source'],
    state: textOf(row, 'state') as AgentReport['state'],
    isEdge: row['is_edge'] === 1,
    window: { earliest: numberOf(row, 'earliest'), latest: numberOf(row, 'latest') },
    start: windowOf(row, 'start'),
    isYoung: row['is_young'] === 1,
    contactBeforeAt: maybeNumber(row, 'contact_before_at'),
    ...(row['actor'] === null ? {} : { actor: textOf(row, 'actor') }),
  };
}
