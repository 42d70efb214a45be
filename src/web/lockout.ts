import type { LoginAttempt } from '../ledger/access.js';

const WINDOW_MS = 15 * 60_000;
const USER_LIMIT = 5;
const ADDRESS_LIMIT = 20;

/** Failures older than this can lock nothing any more: a window of attempts, and the lock after it. */
export const LOCK_MEMORY_MS = 2 * WINDOW_MS;

/**
 * Until when an address may not try to log in as this actor, or null: fifteen minutes from the fifth failure in a row for
 * one user, or from the twentieth for any, within fifteen minutes (wire-contract.md, "Login"). Attempts are newest first.
 */
export function lockedUntil(attempts: readonly LoginAttempt[], actor: string, now: number): number | null {
  const ofUser = attempts.filter((attempt) => attempt.actor === actor);
  const lastSuccess = ofUser.findIndex((attempt) => !attempt.isFailure);
  const inARow = lastSuccess === -1 ? ofUser : ofUser.slice(0, lastSuccess);
  const failures = attempts.filter((attempt) => attempt.isFailure);
  const ends = [lockOf(inARow, USER_LIMIT, now), lockOf(failures, ADDRESS_LIMIT, now)].filter((end) => end !== null);
  return ends.length === 0 ? null : Math.max(...ends);
}

function lockOf(newestFirst: readonly LoginAttempt[], limit: number, now: number): number | null {
  const newest = newestFirst[0];
  const oldest = newestFirst[limit - 1];
  if (newest === undefined || oldest === undefined || newest.at - oldest.at > WINDOW_MS) return null;
  const end = newest.at + WINDOW_MS;
  return now < end ? end : null;
}

/**
 * The attempts that are being judged. Each password takes a while to check and its failure is written down only then, so
 * those underway are presumed to fail: many attempts at once get no more tries than many in a row.
 */
export class AttemptsUnderway {
  private readonly actors = new Map<string, string[]>();

  /** Runs the attempt with the actors whose attempts from this address were underway before it. */
  async during<T>(address: string, actor: string, attempt: (before: readonly string[]) => Promise<T>): Promise<T> {
    const before = this.actors.get(address) ?? [];
    this.actors.set(address, [...before, actor]);
    try {
      return await attempt(before);
    } finally {
      const left = [...(this.actors.get(address) ?? [])];
      left.splice(left.indexOf(actor), 1);
      if (left.length > 0) this.actors.set(address, left);
      else this.actors.delete(address);
    }
  }
}

/** The attempts underway as failures of this instant, ahead of those that are known. */
export function presumeFailed(
  before: readonly string[],
  attempts: readonly LoginAttempt[],
  now: number,
): readonly LoginAttempt[] {
  return [...before.map((actor) => ({ at: now, actor, isFailure: true })), ...attempts];
}
