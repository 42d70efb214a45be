import { lifeAt, type GuestState } from '../../core/guest.js';
import type { Span } from '../../core/span.js';
import type { Task } from '../../core/task.js';
import type { Queryable, Trx } from '../database.js';

/**
 * Writes the spans of `after` that `before` does not hold as they are; yields all of them with their ids. Only the last
 * one of an open guest is open: it reaches to its node's last good list without a write.
 */
export async function writeSpans(trx: Trx, before: GuestState | null, after: GuestState): Promise<Span[]> {
  const known = new Map((before?.spans ?? []).map((span, k) => [span.id, { span, isOpen: isOpenAt(before, k) }]));
  const written: Span[] = [];
  // Two spans that an agent told of may turn out to be one, by a report that arrived late.
  const kept = new Set(after.spans.map((span) => span.id));
  const merged = (before?.spans ?? []).filter((span) => span.source !== undefined && !kept.has(span.id));
  for (const { id } of merged) await trx('spans').where({ id }).delete();
  for (const [k, span] of after.spans.entries()) {
    const isOpen = isOpenAt(after, k);
    const guestId = ownerOf(after, span);
    const stored = span.id === null ? undefined : known.get(span.id);
    if (stored?.span === span && stored.isOpen === isOpen && before !== null && ownerOf(before, span) === guestId) {
      written.push(span);
    } else if (span.id === null) {
      const [id] = (await trx('spans').insert(spanRow(guestId, span, isOpen))) as number[];
      if (id === undefined) throw new Error('the database gave a new span no id');
      written.push({ ...span, id });
    } else {
      await trx('spans')
        .where({ id: span.id })
        .update(spanRow(guestId, span, isOpen));
      written.push(span);
    }
  }
  return written;
}

/** The incarnation that the span is of; the open one is of the present. */
function ownerOf(guest: GuestState, span: Span): number | null {
  const isLast = guest.isOpen && span === guest.spans.at(-1);
  return (isLast ? guest.lives.at(-1) : lifeAt(guest.lives, span.first.sentAt))?.id ?? null;
}

function isOpenAt(guest: GuestState | null, k: number): boolean {
  return guest !== null && guest.isOpen && k === guest.spans.length - 1;
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

/** Writes the tasks of `after` that `before` does not hold as they are; each UPID is one row for ever. */
export async function writeTasks(
  trx: Trx,
  clusterId: number,
  before: readonly Task[],
  after: readonly Task[],
  now: number,
): Promise<void> {
  const known = new Map(before.map((task) => [task.upid, task]));
  const fresh = after.filter((task) => !known.has(task.upid));
  for (let k = 0; k < fresh.length; k += 100) {
    const rows = fresh.slice(k, k + 100).map((task) => ({ ...taskRow(clusterId, task), created_at: now }));
    await trx('tasks').insert(rows);
  }
  for (const task of after) {
    const stored = known.get(task.upid);
    if (stored === undefined || stored === task) continue;
    await trx('tasks').where({ upid: task.upid }).update(taskRow(clusterId, task));
  }
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
