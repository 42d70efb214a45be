import type { LedgerSession } from '../src/simulator/auditor.js';
import type { MeteredTime, SessionError } from './metered-time.js';

/** Why a share of the time was measured wrongly. */
export interface Cause {
  cause: string;
  sessionCount: number;
  wrongMs: number;
}

/** The error of a meter by cause, the largest first. */
export function causesOf(time: MeteredTime): Cause[] {
  const causes = new Map<string, Cause>();
  for (const { cause, error } of explained(time)) {
    const one = causes.get(cause) ?? { cause, sessionCount: 0, wrongMs: 0 };
    one.sessionCount += 1;
    one.wrongMs += error.wrongMs;
    causes.set(cause, one);
  }
  return [...causes.values()].sort((a, b) => b.wrongMs - a.wrongMs);
}

/** The sessions that carry most of the error, as sentences. */
export function worstOf(time: MeteredTime, count: number): string[] {
  return explained(time)
    .sort((a, b) => b.error.wrongMs - a.error.wrongMs)
    .slice(0, count)
    .map(({ cause, error }) => sentenceOf(cause, error));
}

function explained({ errors }: MeteredTime): { cause: string; error: SessionError }[] {
  const uses = new Map<LedgerSession, number>();
  for (const { sessions } of errors) for (const one of sessions) uses.set(one, (uses.get(one) ?? 0) + 1);
  const isShared = (one: LedgerSession): boolean => (uses.get(one) ?? 0) > 1;
  return errors.filter(({ wrongMs }) => wrongMs > 0).map((error) => ({ error, cause: causeOf(error, isShared) }));
}

function causeOf({ truth, sessions }: SessionError, isShared: (one: LedgerSession) => boolean): string {
  const [session] = sessions;
  if (truth === null) return 'a session where nothing ran';
  if (session === undefined) return 'a run without a session';
  if (sessions.length > 1) return 'a run told as several';
  if (isShared(session)) return 'several runs told as one';
  const startMs = Math.abs(session.startAt - truth.startedAt);
  const endMs = Math.abs((session.endAt ?? 0) - (truth.endedAt ?? session.endAt ?? 0));
  if (startMs >= endMs) return `start by ${session.startEvidence}`;
  return `end by ${session.endEvidence ?? 'nothing: still open'}, truly ${truth.endedHow ?? 'still running'}`;
}

function sentenceOf(cause: string, { truth, sessions, wrongMs }: SessionError): string {
  const of = truth ?? sessions[0];
  const time = (at: number | null): string => (at === null ? 'open' : new Date(at).toISOString().slice(5, 23));
  const window = (earliest: number | null, at: number | null, latest: number | null): string =>
    `${time(at)} [${time(earliest)} .. ${time(latest)}]`;
  const stated = sessions.map(
    (one) =>
      `${window(one.startEarliest, one.startAt, one.startLatest)} - ${window(one.endEarliest, one.endAt, one.endLatest)}`,
  );
  const truly = truth === null ? '' : ` truly ${time(truth.startedAt)} - ${time(truth.endedAt)},`;
  return `${(wrongMs / 1000).toFixed(1)} s: ${cause}; ${of?.type} ${of?.vmid}${truly} told ${stated.join(' + ') || 'not at all'}`;
}
