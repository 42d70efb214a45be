import { zoneClock } from './pages-figures.js';

/** A half-open stretch of time [from, to). */
export interface TimeRange {
  from: number;
  to: number;
}

/** The first instant of a day in the zone. Day and month may run over: day 0 is the last of the month before. */
export function firstInstantOf(year: number, month: number, day: number, zone: string): number {
  const midnight = Date.UTC(year, month - 1, day);
  const early = midnight - offsetAt(midnight - 86_400_000, zone);
  const late = midnight - offsetAt(midnight + 86_400_000, zone);
  // Where the clock changes near this midnight the two differ: the day begins at the earlier one that lies within it.
  const [first, second] = [Math.min(early, late), Math.max(early, late)];
  return first + offsetAt(first, zone) >= midnight ? first : second;
}

/** The day of the zone that holds the instant: 23, 24 or 25 hours. */
export function dayOf(at: number, zone: string, shiftDays = 0): TimeRange {
  const { year, month, day } = zoneClock(zone).parts(at);
  return {
    from: firstInstantOf(year, month, day + shiftDays, zone),
    to: firstInstantOf(year, month, day + shiftDays + 1, zone),
  };
}

/** The month of the zone that holds the instant, or one so many months away. */
export function monthOf(at: number, zone: string, shiftMonths = 0): TimeRange {
  const { year, month } = zoneClock(zone).parts(at);
  return {
    from: firstInstantOf(year, month + shiftMonths, 1, zone),
    to: firstInstantOf(year, month + shiftMonths + 1, 1, zone),
  };
}

/** The day that `2026-11-03` names in the zone; null where it names none. */
export function dayNamed(text: string, zone: string): TimeRange | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (!isDay(year, month, day)) return null;
  return { from: firstInstantOf(year, month, day, zone), to: firstInstantOf(year, month, day + 1, zone) };
}

function isDay(year: number, month: number, day: number): boolean {
  return (
    year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
  );
}

/** Milliseconds that the zone's wall clock is ahead of UTC then. */
function offsetAt(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = zoneClock(zone).parts(at);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}
