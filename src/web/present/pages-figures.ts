/** Figures as pages show them: numbers with their units, instants in the billing time zone, and how far they can be off. */

export interface FigurePart {
  n: string;
  u: string;
}

export interface DurationFigure {
  text: string;
  parts: FigurePart[];
}

export interface InstantFigure {
  /** For <time datetime>: UTC with milliseconds. */
  iso: string;
  /** `24 Nov 10:06:58`; with the year where it is not the current one. */
  short: string;
  /** `10:06:58`. */
  time: string;
  /** For the title: the zone's wall clock in full, and UTC. */
  full: string;
}

const grouped = new Intl.NumberFormat('en-GB');

/** A whole number with thousands apart: `19,482`. */
export function countText(count: number): string {
  return grouped.format(count);
}

/** `1 guest`, `2 guests`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** Hours are not wrapped into days: `388 h 12 m 09 s`; milliseconds are floored once. Below a minute only seconds. */
export function durationFigure(ms: number, options: { seconds?: boolean } = {}): DurationFigure {
  const total = Math.floor(Math.max(0, ms) / 1000);
  const h = Math.floor(total / 3600);
  const m = Math.floor((total % 3600) / 60);
  const s = total % 60;
  const parts: FigurePart[] = [];
  if (h > 0) parts.push({ n: countText(h), u: 'h' });
  if (h > 0 || m > 0) parts.push({ n: h > 0 ? two(m) : String(m), u: 'm' });
  if (options.seconds === false && total === 0) parts.push({ n: '0', u: 'm' });
  if (options.seconds !== false || parts.length === 0) parts.push({ n: parts.length > 0 ? two(s) : String(s), u: 's' });
  return { parts, text: parts.map((part) => `${part.n} ${part.u}`).join(' ') };
}

/** Time gone by, coarse: `12 s`, `3 m 20 s`, `4 h 05 m`, `3 days`. The same words as public/app.js. */
export function agoText(ms: number): string {
  const s = Math.floor(Math.max(0, ms) / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${two(s % 60)} s`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} m`;
  return `${Math.floor(s / 86_400)} days`;
}

/** How far a figure can be off, never understated: `± 0.4 s`, `± 15 s`, `± 3 m 20 s`. */
export function boundText(ms: number): string {
  const off = Math.max(0, ms);
  if (off <= 9_900) return `± ${(Math.ceil(off / 100) / 10).toString()} s`;
  return `± ${durationFigure(Math.ceil(off / 1000) * 1000).text}`;
}

/** A share in percent with two digits that count; a share that is not zero never reads as zero. */
export function percentText(share: number): string {
  if (share <= 0) return '0';
  const percent = share * 100;
  if (percent < 0.01) return '< 0.01';
  return percent >= 10 ? percent.toFixed(0) : percent.toFixed(percent >= 1 ? 1 : 2);
}

/** Bytes as GiB or MiB, whole where they are. */
export function bytesText(bytes: number): string {
  const gib = bytes / 2 ** 30;
  if (gib >= 1) return `${Number(gib.toFixed(1))} GiB`;
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

/** Reads instants in one time zone. One is made per zone and kept: Intl's formats are dear to build. */
export interface ZoneClock {
  zone: string;
  instant(at: number, asOf: number): InstantFigure;
  /** `Tuesday 24 November 2026, 10:07:42`. */
  headline(at: number): string;
  /** `November`; with the year where it is not asOf's. */
  monthName(at: number, asOf: number): string;
  /** `Tue 24 Nov`. */
  dayName(at: number): string;
  /** Wall-clock parts. */
  parts(at: number): { year: number; month: number; day: number; hour: number; minute: number; second: number };
}

const clocks = new Map<string, ZoneClock>();

/** The clock of an IANA zone. Throws a RangeError for a zone that Intl does not know (config refuses it before). */
export function zoneClock(zone: string): ZoneClock {
  const kept = clocks.get(zone);
  if (kept !== undefined) return kept;
  const clock = makeClock(zone);
  clocks.set(zone, clock);
  return clock;
}

function makeClock(zone: string): ZoneClock {
  const format = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
    new Intl.DateTimeFormat('en-GB', { timeZone: zone, hourCycle: 'h23', ...options });
  const hms = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  const day = format({ day: 'numeric', month: 'short' });
  const dated = format({ day: 'numeric', month: 'short', year: 'numeric' });
  const time = format(hms);
  const full = format({
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    ...hms,
    timeZoneName: 'short',
  });
  const long = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  const month = format({ month: 'long' });
  const monthYear = format({ month: 'long', year: 'numeric' });
  const weekday = format({ weekday: 'short', day: 'numeric', month: 'short' });
  const numeric = format({ year: 'numeric', month: 'numeric', day: 'numeric', ...hms });
  const parts = (at: number): ReturnType<ZoneClock['parts']> => partsOf(numeric, at);
  // British English writes September in four letters and every other month in three.
  const three = (text: string): string => text.replace('Sept ', 'Sep ').replace(/Sept$/, 'Sep');
  const isSameYear = (a: number, b: number): boolean => parts(a).year === parts(b).year;
  return {
    zone,
    parts,
    instant(at, asOf) {
      const iso = new Date(at).toISOString();
      const shortDay = three(isSameYear(at, asOf) ? day.format(at) : dated.format(at));
      const clockTime = time.format(at);
      return { iso, short: `${shortDay} ${clockTime}`, time: clockTime, full: `${full.format(at)} · ${iso}` };
    },
    headline: (at) => `${long.format(at).replace(',', '')}, ${time.format(at)}`,
    monthName: (at, asOf) => (isSameYear(at, asOf) ? month : monthYear).format(at),
    dayName: (at) => three(weekday.format(at).replace(',', '')),
  };
}

function partsOf(format: Intl.DateTimeFormat, at: number): ReturnType<ZoneClock['parts']> {
  const found = new Map(format.formatToParts(at).map((part) => [part.type, Number(part.value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => found.get(type) ?? 0;
  return {
    year: of('year'),
    month: of('month'),
    day: of('day'),
    hour: of('hour'),
    minute: of('minute'),
    second: of('second'),
  };
}
