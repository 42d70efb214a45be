import { DateTime } from 'luxon';

const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?$/i;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The instant that a text of the wire means, in epoch ms: ISO 8601, UTC where it names no zone; a date alone is that day's
 * first instant in the time zone (wire-contract.md, "Times and numbers"). A `+` that arrived as a blank is read as one.
 * Null for anything else, also for a day or an hour that does not exist.
 */
export function parseInstant(text: string, timeZone: string): number | null {
  const trimmed = text.trim();
  if (DAY.test(trimmed)) return dayStart(trimmed, timeZone);
  const mended = trimmed.replace(/ (\d{2}(:?\d{2})?)$/, (blank, offset: string) =>
    trimmed.length > 16 ? `+${offset}` : blank,
  );
  if (!INSTANT.test(mended)) return null;
  const at = DateTime.fromISO(mended.replace(' ', 'T').replace(',', '.').toUpperCase(), { zone: 'utc' });
  return at.isValid ? at.toMillis() : null;
}

/** The first instant of a day (YYYY-MM-DD) in a time zone, in epoch ms; null for a day that does not exist. */
export function dayStart(day: string, timeZone: string): number | null {
  const midnight = DateTime.fromISO(day, { zone: timeZone });
  if (!midnight.isValid) return null;
  // Where clocks are set back over midnight, it strikes twice: the earlier one begins the day.
  const earlier = [120, 60, 30].map((minutes) => midnight.minus({ minutes })).find((at) => at.toISODate() === day);
  return (earlier ?? midnight).toMillis();
}
