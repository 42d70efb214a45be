/** ISO 8601 UTC with milliseconds and Z; null stays null (wire-contract.md, "Times and numbers"). */
export function isoOf(at: number): string;
export function isoOf(at: number | null): string | null;
export function isoOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

/** Whole seconds, floored once. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}

/** Hours that do not wrap, and minutes, floored: `0h 0m`, `36h 5m`. */
export function formatHours(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
}
