const FIRST_MS = 1_000;
const LAST_MS = 60_000;

/**
 * How long to wait after so many failures in a row (the first is 1): a second, doubled up to a minute, of which the upper half is
 * left to chance. `share` is that chance, from 0 to 1, so that agents which lost one manager do not come back in one instant.
 */
export function backoffMs(failureCount: number, share: number): number {
  const fullMs = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failureCount - 1, 16));
  return Math.round(fullMs / 2 + (fullMs / 2) * share);
}
