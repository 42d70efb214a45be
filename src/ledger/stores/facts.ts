import { lifeAt, type GuestState } from '../../core/guest.js';
import type { Span } from '../../core/span.js';
import type { Task } from '../../core/task.js';
import type { Queryable, Trx } from '../database.js';
import { insertForIds, insertRows, updateRows } from './bulk.js';
import { writePauseSpans } from './pauses.js';

/** A guest before and after a poll; null where it was not known. */
export interface FactChange {
  before: GuestState | null;
  after: GuestState;
}

/**
 * Writes the spans of the guests that are not stored as they are now; yields all of each guest with their ids. Only the last
 * one of an open guest is open: it reaches to its node's last good list without a write.
 */
export async function writeSpans(trx: Trx, changes: readonly FactChange[]): Promise<Span[][]> {
  const updated: Record<string, unknown>[] = [];
  const inserted: Record<string, unknown>[] = [];
  for (const { before, after } of changes) {
    await removeMerged(trx, before, after);
    // What was frozen since is missing at the front, and nowhere else.
    const shift = before?.spans.findIndex((span) => span.id === after.spans[0]?.id) ?? -1;
    for (const [k, span] of after.spans.entries()) {
      if (before !== null && shift >= 0 && isStored(before, k + shift, after, k)) continue;
      const row = spanRow(ownerOf(after, span), span, isOpenAt(after, k));
      if (span.id === null) inserted.push(row);
      else updated.push({ ...row, id: span.id });
    }
  }
  // A guest's open span is closed before its next one opens: two of one guest are never open at once.
  await updateRows(trx, 'spans', 'id', updated);
  const ids = (await insertForIds(trx, 'spans', inserted)).values();
  const idOf = (span: Span): number | null => span.id ?? ids.next().value ?? null;
  const written: Span[][] = [];
  for (const { before, after } of changes) {
    const spans = after.spans.map((span) => (span.id === null ? { ...span, id: idOf(span) } : span));
    written.push(await writePausesSeen(trx, before, spans));
  }
  return written;
}

/** Two spans that an agent told of may turn out to be one, by a report that arrived late. */
async function removeMerged(trx: Trx, before: GuestState | null, after: GuestState): Promise<void> {
  const told = (before?.spans ?? []).filter((span) => span.source !== undefined);
  if (told.length === 0) return;
  const kept = new Set(after.spans.map((span) => span.id));
  for (const { id } of told) if (!kept.has(id)) await trx('spans').where({ id }).delete();
}

/** What was seen of the pauses of these stored spans, where it is not stored as it is; guests that never paused cost nothing. */
async function writePausesSeen(trx: Trx, before: GuestState | null, spans: Span[]): Promise<Span[]> {
  if (spans.every((span) => span.pauses.length === 0)) return spans;
  const known = new Map((before?.spans ?? []).map((span) => [span.id, span.pauses]));
  const written: Span[] = [];
  for (const span of spans) {
    if (span.id === null) throw new Error('a span has no row for its pauses');
    const pauses = await writePauseSpans(trx, span.id, known.get(span.id) ?? [], span.pauses);
    written.push(pauses === span.pauses ? span : { ...span, pauses });
  }
  return written;
}

/** True where the span is stored as it is now: the same facts of the same incarnation, open or not as before. */
function isStored(before: GuestState, known: number, after: GuestState, k: number): boolean {
  const span = after.spans[k];
  if (span === undefined || span.id === null || before.spans[known] !== span) return false;
  return isOpenAt(before, known) === isOpenAt(after, k) && ownerOf(before, span) === ownerOf(after, span);
}

/** The incarnation that the span is of; the open one is of the present. */
function ownerOf(guest: GuestState, span: Span): number | null {
  const isLast = guest.isOpen && span === guest.spans.at(-1);
  return (isLast ? guest.lives.at(-1) : lifeAt(guest.lives, span.first.sentAt))?.id ?? null;
}

function isOpenAt(guest: GuestState, k: number): boolean {
  return guest.isOpen && k === guest.spans.length - 1;
}

function spanRow(guestId: number | null, span: Span, isOpen: boolean): Record<string, unknown> {
  return {
    guest_id: guestId,
    open_guest_id: isOpen ? guestId : null,
    node_id: span.nodeId,
    state: span.state,
    pid: span.pid,
    boot_at: null,
    first_sent: span.first.sentAt,
    first_received: span.first.receivedAt,
    last_sent: isOpen ? null : span.last.sentAt,
    last_received: isOpen ? null : span.last.receivedAt,
    start_earliest: span.start?.earliest ?? null,
    start_latest: span.start?.latest ?? null,
    is_barred: span.isBarred ? 1 : 0,
    is_young: span.isYoung ? 1 : 0,
    sample_sent: span.sample?.sentAt ?? null,
    sample_received: span.sample?.receivedAt ?? null,
    sample_uptime_s: span.sample?.uptimeS ?? null,
    source: span.source ?? null,
  };
}

/** Tasks of a guest or a node before and after a poll. */
export interface TaskChange {
  before: readonly Task[];
  after: readonly Task[];
}

/** Writes the tasks that are not stored as they are now; each UPID is one row for ever. */
export async function writeTasks(
  trx: Trx,
  clusterId: number,
  changes: readonly TaskChange[],
  now: number,
): Promise<void> {
  const fresh: Task[] = [];
  const finished: Task[] = [];
  for (const { before, after } of changes) {
    if (before === after) continue;
    const known = new Map(before.map((task) => [task.upid, task]));
    for (const task of after) {
      const stored = known.get(task.upid);
      if (stored === undefined) fresh.push(task);
      else if (stored !== task) finished.push(task);
    }
  }
  const rowOf = (task: Task): Record<string, unknown> => ({ ...taskRow(clusterId, task), created_at: now });
  await insertRows(trx, 'tasks', fresh.map(rowOf));
  await updateRows(trx, 'tasks', 'upid', finished.map(rowOf), ['created_at']);
}

function taskRow(clusterId: number, task: Task): Record<string, unknown> {
  return {
    cluster_id: clusterId,
    node_id: task.nodeId,
    upid: task.upid,
    type: task.type,
    vmid: task.vmid,
    user: task.user,
    status: task.outcome === 'running' ? null : task.outcome,
    raw_start_s: task.raw.startS,
    raw_end_s: task.raw.endS,
    pstart: task.raw.pstart,
    start_earliest: task.start.earliest,
    start_latest: task.start.latest,
    end_earliest: task.end?.earliest ?? null,
    end_latest: task.end?.latest ?? null,
  };
}

/** UPIDs of this node that are stored as finished, so that reading its log can stop at them. */
export async function finishedUpids(db: Queryable, nodeId: number): Promise<string[]> {
  const rows = (await db('tasks').where({ node_id: nodeId }).whereNotNull('status').select('upid')) as {
    upid: string;
  }[];
  return rows.map((row) => row.upid);
}
