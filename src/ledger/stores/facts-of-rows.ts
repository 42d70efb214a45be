import type { EndReason, Evidence } from '../../core/evidence.js';
import type { Life, StoredSession } from '../../core/guest.js';
import type { Pause } from '../../core/pause.js';
import type { PauseSpan } from '../../core/pause-span.js';
import type { ChangedField, ProfileChange } from '../../core/profile.js';
import type { Edge, Segment } from '../../core/session.js';
import type { Span } from '../../core/span.js';
import type { Task, TaskOutcome } from '../../core/task.js';
import { maybeNumber, maybeText, numberOf, textOf, windowOf, type Row } from './row.js';

/** An incarnation from its row of guests. */
export function lifeOf(row: Row, id: number): Life {
  return {
    id,
    life: numberOf(row, 'life'),
    firstSeenAt: numberOf(row, 'first_seen_at'),
    destroyed: windowOf(row, 'destroyed'),
    ...(row['destroyed_evidence'] === 'config' ? { isDestroyedByConfig: true } : {}),
  };
}

/** A change from its row of guest_changes. */
export function changeOf(row: Row): ProfileChange {
  const latest = numberOf(row, 'latest');
  return {
    field: textOf(row, 'field') as ChangedField,
    before: maybeText(row, 'before_value'),
    after: maybeText(row, 'after_value'),
    window: { earliest: maybeNumber(row, 'earliest') ?? latest, latest },
  };
}

/** A span from its row and its pauses by span id; an open one reaches to its first sample until its node’s last list says more. */
export function spanOf(row: Row, pauses: ReadonlyMap<number, PauseSpan[]>): Span {
  const first = { sentAt: numberOf(row, 'first_sent'), receivedAt: numberOf(row, 'first_received') };
  const lastSent = maybeNumber(row, 'last_sent');
  const uptimeS = maybeNumber(row, 'sample_uptime_s');
  return {
    id: numberOf(row, 'id'),
    nodeId: numberOf(row, 'node_id'),
    state: textOf(row, 'state') as Span['state'],
    pid: maybeNumber(row, 'pid'),
    first,
    last: lastSent === null ? first : { sentAt: lastSent, receivedAt: numberOf(row, 'last_received') },
    start: windowOf(row, 'start'),
    isYoung: row['is_young'] === 1,
    isBarred: row['is_barred'] === 1,
    sample:
      uptimeS === null
        ? null
        : { sentAt: numberOf(row, 'sample_sent'), receivedAt: numberOf(row, 'sample_received'), uptimeS },
    pauses: pauses.get(numberOf(row, 'id')) ?? [],
    ...(row['source'] === null ? {} : { source: textOf(row, 'source') as Span['source'] }),
  };
}

/** A task from its row; throws where it has no start. */
export function taskOf(row: Row): Task {
  const start = windowOf(row, 'start');
  if (start === null) throw new Error(`task ${textOf(row, 'upid')} has no start`);
  return {
    upid: textOf(row, 'upid'),
    nodeId: numberOf(row, 'node_id'),
    type: textOf(row, 'type'),
    vmid: maybeNumber(row, 'vmid'),
    user: textOf(row, 'user'),
    outcome: (row['status'] ?? 'running') as TaskOutcome,
    start,
    end: windowOf(row, 'end'),
    raw: { startS: numberOf(row, 'raw_start_s'), endS: maybeNumber(row, 'raw_end_s'), pstart: numberOf(row, 'pstart') },
  };
}

/** A session from its row, those of its segments, and its pauses, each by session id. */
export function sessionOf(
  row: Row,
  segments: ReadonlyMap<number, Row[]>,
  pauses: ReadonlyMap<number, Pause[]>,
): StoredSession {
  const id = numberOf(row, 'id');
  const isOpen = row['end_at'] === null;
  return {
    id,
    guestId: numberOf(row, 'guest_id'),
    session: {
      start: edgeOf(row, 'start', 'start_upid'),
      end: isOpen ? null : edgeOf(row, 'end', 'stop_upid'),
      endReason: row['end_reason'] as EndReason | null,
      user: maybeText(row, 'user'),
      segments: joinedSegments(segments.get(id) ?? []),
      pauses: pauses.get(id) ?? [],
    },
  };
}

/** By node alone, as sessions are derived: what a change of size split belongs together. */
function joinedSegments(rows: readonly Row[]): Segment[] {
  const joined: Segment[] = [];
  for (const row of rows) {
    const segment = {
      nodeId: numberOf(row, 'node_id'),
      startedAt: numberOf(row, 'started_at'),
      endedAt: maybeNumber(row, 'ended_at'),
    };
    const last = joined.at(-1);
    if (last?.nodeId === segment.nodeId && last.endedAt === segment.startedAt) last.endedAt = segment.endedAt;
    else joined.push(segment);
  }
  return joined;
}

function edgeOf(row: Row, edge: 'start' | 'end', upid: string): Edge {
  return {
    at: numberOf(row, `${edge}_at`),
    earliest: maybeNumber(row, `${edge}_earliest`),
    latest: numberOf(row, `${edge}_latest`),
    evidence: textOf(row, `${edge}_evidence`) as Evidence,
    upid: maybeText(row, upid),
    proofs: JSON.parse(textOf(row, `${edge}_proof`)) as string[],
  };
}
