import { DateTime } from 'luxon';
import { common, type Interval } from './interval.js';

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

/** A day of a time zone, or the part of it that lies in a range. */
export interface Day extends Interval {
  /** YYYY-MM-DD. */
  date: string;
}

/**
 * The days of the time zone that the range touches, oldest first, the outer ones cut to it: 23, 24 or 25 hours where the
 * clock changes; a date that the zone left out is none. Together they are the range.
 */
export function daysOf(range: Interval, timeZone: string): Day[] {
  const days: Day[] = [];
  if (range.from >= range.to) return days;
  let date = DateTime.fromMillis(range.from, { zone: timeZone }).toISODate();
  let from = date === null ? null : dayStart(date, timeZone);
  while (date !== null && from !== null && from < range.to) {
    const next = dateAfter(date);
    const to = dayStart(next, timeZone);
    if (to === null) return days;
    const part = common({ from, to }, range);
    if (part !== null) days.push({ date, ...part });
    date = next;
    from = to;
  }
  return days;
}

function dateAfter(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** The first instant of the day so many days before the one that holds the instant, in the time zone. */
export function startOfDayBefore(at: number, days: number, timeZone: string): number {
  const date = DateTime.fromMillis(at, { zone: timeZone }).minus({ days }).toISODate();
  return (date === null ? null : dayStart(date, timeZone)) ?? at;
}
