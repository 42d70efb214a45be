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
 * Counts the attempts that are being judged, so that many sent at once get no more tries than many in a row: each password
 * takes a while to check, and its failure is written down only then.
 */
export class AttemptsUnderway {
  private readonly counts = new Map<string, number>();

  /** Runs the attempt; refuses with null where five of this actor, or twenty of this address, are underway already. */
  async during<T>(address: string, actor: string, attempt: () => Promise<T>): Promise<T | null> {
    const keys: [string, number][] = [
      [JSON.stringify([address, actor]), USER_LIMIT],
      [JSON.stringify([address]), ADDRESS_LIMIT],
    ];
    if (keys.some(([key, limit]) => (this.counts.get(key) ?? 0) >= limit)) return null;
    for (const [key] of keys) this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    try {
      return await attempt();
    } finally {
      for (const [key] of keys) this.release(key);
    }
  }

  private release(key: string): void {
    const count = (this.counts.get(key) ?? 0) - 1;
    if (count > 0) this.counts.set(key, count);
    else this.counts.delete(key);
  }
}
