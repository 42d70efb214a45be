import type { Evidence } from '../../core/evidence.js';
import type { PauseKind } from '../../core/pause-span.js';
import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import type { PauseView } from './read-model.js';

interface PauseRow {
  session_id: number;
  kind: PauseKind;
  start_at: number;
  start_earliest: number;
  start_latest: number;
  start_evidence: Evidence;
  start_upid: string | null;
  end_at: number | null;
  end_earliest: number | null;
  end_latest: number | null;
  end_evidence: Evidence | null;
  end_upid: string | null;
}

/** The pauses of these sessions by session id, in order of time, as derived (ledger rule 17). */
export async function pausesOf(db: Queryable, sessionIds: readonly number[]): Promise<Map<number, PauseView[]>> {
  const rows = await inBatches(
    sessionIds,
    async (part) =>
      (await db('pauses').whereIn('session_id', part).orderBy(['session_id', 'start_at', 'id'])) as PauseRow[],
  );
  const pauses = new Map<number, PauseView[]>();
  for (const row of rows) {
    const of = pauses.get(row.session_id) ?? [];
    of.push(viewOf(row));
    pauses.set(row.session_id, of);
  }
  return pauses;
}

function viewOf(row: PauseRow): PauseView {
  const { start_at: at, start_earliest: earliest, start_latest: latest, start_evidence: evidence } = row;
  return {
    kind: row.kind,
    start: { at, earliest, latest, evidence },
    end:
      row.end_at === null
        ? null
        : {
            at: row.end_at,
            earliest: row.end_earliest,
            latest: row.end_latest ?? row.end_at,
            evidence: row.end_evidence ?? 'poll',
          },
    startUpid: row.start_upid,
    endUpid: row.end_upid,
  };
}

/**
 * The pauses that lie within [from, to), where a correction of the session's edges left some outside, and how long they
 * lasted together up to `until`, to which an open one is counted.
 */
export function pausedWithin(
  pauses: readonly PauseView[],
  { from, to, until }: { from: number; to: number | null; until: number },
): { pauses: PauseView[]; pausedMs: number } {
  const endsAt = to ?? Number.POSITIVE_INFINITY;
  const kept = pauses.filter(({ start, end }) => start.at <= endsAt && (end?.at ?? endsAt) >= from);
  const pausedMs = kept.reduce((sum, { start, end }) => {
    const endedAt = Math.min(end?.at ?? until, until, endsAt);
    return sum + Math.max(0, endedAt - Math.max(start.at, from));
  }, 0);
  return { pauses: kept, pausedMs };
}
