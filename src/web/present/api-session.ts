import type { EdgeView, Page, PauseView, SessionView } from '../../ledger/queries/read-model.js';
import { isoOf, wholeSeconds } from './api-values.js';

/** A session as the wire has it; start_time and end_time are the likeliest instants. */
export function presentSession(session: SessionView) {
  const { start, end } = session;
  return {
    id: session.id,
    vm_id: String(session.vmid),
    guest_id: session.guestId,
    vm_name: session.guestName,
    vm_type: session.type,
    node: session.node,
    cluster: session.cluster,
    ...presentEdges(start, end),
    end_reason: session.endReason,
    duration_seconds: wholeSeconds(session.durationMs),
    is_running: end === null,
    proven_until: isoOf(session.provenUntil),
    user: session.user,
    start_upid: session.startUpid,
    stop_upid: session.stopUpid,
    segments: session.segments.map((segment) => ({
      node: segment.node,
      start_time: isoOf(segment.startedAt),
      end_time: isoOf(segment.endedAt),
      cores: segment.cores,
      memory_bytes: segment.memoryBytes,
    })),
    paused_seconds: wholeSeconds(session.pausedMs),
    pauses: session.pauses.map(presentPause),
    created_at: isoOf(session.createdAt),
  };
}

function presentPause({ kind, start, end, startUpid, endUpid }: PauseView) {
  return {
    kind,
    ...presentEdges(start, end),
    start_upid: startUpid,
    end_upid: endUpid,
  };
}

function presentEdges(start: EdgeView, end: EdgeView | null) {
  return {
    start_time: isoOf(start.at),
    start_earliest: isoOf(start.earliest),
    start_latest: isoOf(start.latest),
    start_evidence: start.evidence,
    end_time: isoOf(end?.at ?? null),
    end_earliest: isoOf(end?.earliest ?? null),
    end_latest: isoOf(end?.latest ?? null),
    end_evidence: end?.evidence ?? null,
  };
}

/** A page of sessions. */
export function presentSessions(page: Page<SessionView>) {
  return { sessions: page.items.map(presentSession), total: page.total, page: page.page, per_page: page.perPage };
}
