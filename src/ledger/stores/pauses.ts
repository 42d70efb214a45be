import type { Knex } from 'knex';
import type { Evidence } from '../../core/evidence.js';
import type { Pause, PauseEdge } from '../../core/pause.js';
import type { PauseKind, PauseSpan } from '../../core/pause-span.js';
import type { Queryable, Trx } from '../database.js';
import { maybeText, numberOf, textOf, windowOf, type Row } from './row.js';

/** Writes the pauses seen of a span's process that `known` does not hold as they are; yields all of them with their ids. */
export async function writePauseSpans(
  trx: Trx,
  spanId: number,
  known: readonly PauseSpan[],
  pauses: readonly PauseSpan[],
): Promise<readonly PauseSpan[]> {
  if (pauses === known) return pauses;
  const written: PauseSpan[] = [];
  for (const pause of pauses) {
    if (pause.id === null) {
      const [id] = (await trx('pause_spans').insert(pauseSpanRow(spanId, pause))) as number[];
      if (id === undefined) throw new Error('the database gave a new pause span no id');
      written.push({ ...pause, id });
      continue;
    }
    if (!known.includes(pause)) await trx('pause_spans').where({ id: pause.id }).update(pauseSpanRow(spanId, pause));
    written.push(pause);
  }
  return written;
}

function pauseSpanRow(spanId: number, { kind, before, first, last, after }: PauseSpan): Record<string, unknown> {
  return {
    span_id: spanId,
    kind,
    before_earliest: before?.earliest ?? null,
    before_latest: before?.latest ?? null,
    first_earliest: first.earliest,
    first_latest: first.latest,
    last_earliest: last.earliest,
    last_latest: last.latest,
    after_earliest: after?.earliest ?? null,
    after_latest: after?.latest ?? null,
  };
}

/** Makes the stored pauses of a session those that were derived, row by row; what is too many goes first, so that never two are open. */
export async function writePauses(
  trx: Trx,
  sessionId: number,
  known: readonly Pause[],
  pauses: readonly Pause[],
): Promise<void> {
  const stored =
    known.length === 0
      ? []
      : ((await trx('pauses').where({ session_id: sessionId }).orderBy('start_at').orderBy('id').select('id')) as {
          id: number;
        }[]);
  for (const { id } of stored.slice(pauses.length)) await trx('pauses').where({ id }).delete();
  for (const [k, pause] of pauses.entries()) {
    const id = stored[k]?.id;
    if (id === undefined) await trx('pauses').insert(pauseRow(sessionId, pause));
    else await trx('pauses').where({ id }).update(pauseRow(sessionId, pause));
  }
}

function pauseRow(sessionId: number, pause: Pause): Record<string, unknown> {
  assertOrder(pause);
  const { kind, start, end } = pause;
  return {
    session_id: sessionId,
    open_session_id: end === null ? sessionId : null,
    kind,
    start_at: start.at,
    start_earliest: start.earliest,
    start_latest: start.latest,
    start_evidence: start.evidence,
    start_upid: start.upid,
    end_at: end?.at ?? null,
    end_earliest: end?.earliest ?? null,
    end_latest: end?.latest ?? null,
    end_evidence: end?.evidence ?? null,
    end_upid: end?.upid ?? null,
  };
}

/** What is written must be true of every pause: bounds hold their instant, and no end lies before its start. */
function assertOrder({ start, end }: Pause): void {
  const holds = (edge: PauseEdge): boolean => edge.earliest <= edge.at && edge.at <= edge.latest;
  if (!holds(start) || (end !== null && (!holds(end) || end.at < start.at))) {
    throw new Error(`a pause out of order was derived: ${JSON.stringify({ start, end })}`);
  }
}

/** Of these spans what was seen of their pauses, by span id, in order of time. */
export async function loadPauseSpans(db: Queryable, spanIds: Knex.QueryBuilder): Promise<Map<number, PauseSpan[]>> {
  const rows = (await db('pause_spans').whereIn('span_id', spanIds).orderBy('first_earliest').orderBy('id')) as Row[];
  return grouped(rows, 'span_id', pauseSpanOf);
}

/** The pauses of these sessions, by session id, in order of time. */
export async function loadPauses(db: Queryable, sessionIds: Knex.QueryBuilder): Promise<Map<number, Pause[]>> {
  const rows = (await db('pauses').whereIn('session_id', sessionIds).orderBy('start_at').orderBy('id')) as Row[];
  return grouped(rows, 'session_id', pauseOf);
}

function grouped<T>(rows: readonly Row[], column: string, read: (row: Row) => T): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const row of rows) {
    const key = numberOf(row, column);
    groups.set(key, [...(groups.get(key) ?? []), read(row)]);
  }
  return groups;
}

function pauseSpanOf(row: Row): PauseSpan {
  const window = (prefix: string): { earliest: number; latest: number } => ({
    earliest: numberOf(row, `${prefix}_earliest`),
    latest: numberOf(row, `${prefix}_latest`),
  });
  return {
    id: numberOf(row, 'id'),
    kind: textOf(row, 'kind') as PauseKind,
    before: windowOf(row, 'before'),
    first: window('first'),
    last: window('last'),
    after: windowOf(row, 'after'),
  };
}

function pauseOf(row: Row): Pause {
  const edge = (prefix: 'start' | 'end'): PauseEdge => ({
    at: numberOf(row, `${prefix}_at`),
    earliest: numberOf(row, `${prefix}_earliest`),
    latest: numberOf(row, `${prefix}_latest`),
    evidence: textOf(row, `${prefix}_evidence`) as Evidence,
    upid: maybeText(row, `${prefix}_upid`),
  });
  return {
    kind: textOf(row, 'kind') as PauseKind,
    start: edge('start'),
    end: row['end_at'] === null ? null : edge('end'),
  };
}
