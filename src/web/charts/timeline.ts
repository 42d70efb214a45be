import type { GapView, SessionView } from '../../ledger/queries/read-model.js';
import { gapWords } from '../present/pages-evidence.js';
import { durationFigure, zoneClock } from '../present/pages-figures.js';

/** A bar of the chart, in percent of the row's width. */
export interface Bar {
  x: string;
  width: string;
  title: string;
}

export interface TimelineRow {
  label: string;
  /** Empty: no link. */
  href: string;
  /** The row in a sentence, for those who do not see it. */
  summary: string;
  runs: Bar[];
  unseen: Bar[];
  moves: { x: string; title: string }[];
  /** Percent up to which the row has come to pass. */
  trackTo: string;
}

export interface Tick {
  x: string;
  label: string;
  anchor: 'start' | 'middle' | 'end';
  isMinor: boolean;
}

export interface Timeline {
  ticks: Tick[];
  rows: TimelineRow[];
}

export interface RowSource {
  label: string;
  href: string;
  /** The stretch that the row's whole width shows. */
  from: number;
  to: number;
  /** Node (wire name) that the guest is on where no session says it. */
  node: string;
  /** Sessions of this one guest, oldest first. */
  sessions: readonly SessionView[];
  gaps: readonly GapView[];
}

interface Stretch {
  from: number;
  to: number;
  title: string;
}

/** A bar thinner than this is not seen; in percent of the width. */
const THINNEST = 0.35;

/**
 * One row of the chart. Green is proven running; what a gap leaves unproven is hatched, whether the guest was thought to run
 * or not, so that it never looks like stopped (ledger rule 1).
 */
export function timelineRow(source: RowSource, zone: string, asOf: number): TimelineRow {
  const end = Math.min(source.to, asOf);
  const within = (from: number, to: number): { from: number; to: number } => ({
    from: Math.max(from, source.from),
    to: Math.min(to, end),
  });
  const unseen = unseenOf(source, zone, asOf)
    .map((stretch) => ({ ...stretch, ...within(stretch.from, stretch.to) }))
    .filter((stretch) => stretch.to > stretch.from);
  const runs = source.sessions
    .map((session) => ({ ...within(session.start.at, session.provenUntil), title: runTitle(session, zone, asOf) }))
    .filter((stretch) => stretch.to >= stretch.from && stretch.from < source.to);
  const place = placer(source.from, source.to);
  return {
    label: source.label,
    href: source.href,
    summary: summaryOf(source.label, runs, unseen),
    runs: runs.map((stretch) => place.bar(stretch)),
    unseen: unseen.map((stretch) => place.bar(stretch)),
    moves: movesOf(source, zone, asOf).map((move) => ({ x: place.at(move.at), title: move.title })),
    trackTo: place.at(end),
  };
}

function placer(from: number, to: number): { at(at: number): string; bar(stretch: Stretch): Bar } {
  const percent = (at: number): number => (100 * (Math.min(Math.max(at, from), to) - from)) / (to - from);
  const text = (value: number): string => String(Number(value.toFixed(3)));
  return {
    at: (at) => text(percent(at)),
    bar(stretch) {
      const width = Math.max(percent(stretch.to) - percent(stretch.from), THINNEST);
      return { x: text(Math.min(percent(stretch.from), 100 - width)), width: text(width), title: stretch.title };
    },
  };
}

function unseenOf(source: RowSource, zone: string, asOf: number): Stretch[] {
  const stretches: Stretch[] = [];
  for (const gap of source.gaps) {
    if (gap.isProven) continue;
    const to = gap.endedAt ?? asOf;
    if (nodeAt(source, gap.startedAt) !== gap.node) continue;
    const title = `not seen ${spanText(gap.startedAt, to, zone, asOf)}: ${gap.node} ${gapWords[gap.reason]}`;
    stretches.push({ from: gap.startedAt, to, title });
  }
  return stretches;
}

/** Where the guest was: on its session's node then, else on the node of the session before or after, else where it is now. */
function nodeAt(source: RowSource, at: number): string {
  let node = source.sessions[0]?.segments[0]?.node ?? source.node;
  for (const session of source.sessions) {
    for (const segment of session.segments) if (segment.startedAt <= at) node = segment.node;
  }
  return node;
}

function movesOf(source: RowSource, zone: string, asOf: number): { at: number; title: string }[] {
  const moves: { at: number; title: string }[] = [];
  for (const { segments } of source.sessions) {
    segments.forEach((segment, k) => {
      const before = segments[k - 1];
      if (before === undefined || before.node === segment.node) return;
      if (segment.startedAt < source.from || segment.startedAt >= source.to) return;
      const at = zoneClock(zone).instant(segment.startedAt, asOf).time;
      moves.push({ at: segment.startedAt, title: `moved ${before.node} → ${segment.node} at ${at}` });
    });
  }
  return moves;
}

function runTitle(session: SessionView, zone: string, asOf: number): string {
  const until = session.end === null ? asOf : session.end.at;
  const open = session.end === null ? ', still running' : '';
  return `running ${spanText(session.start.at, until, zone, asOf)}, ${durationFigure(session.durationMs).text}${open}`;
}

function spanText(from: number, to: number, zone: string, asOf: number): string {
  const clock = zoneClock(zone);
  return `${clock.instant(from, asOf).short} to ${clock.instant(to, asOf).short}`;
}

function summaryOf(label: string, runs: readonly Stretch[], unseen: readonly Stretch[]): string {
  const sum = (of: readonly Stretch[]): number => of.reduce((ms, stretch) => ms + stretch.to - stretch.from, 0);
  const words = [runs.length === 0 ? 'not running' : `running for ${durationFigure(sum(runs)).text}`];
  if (unseen.length > 0) words.push(`not seen for ${durationFigure(sum(unseen)).text}`);
  return `${label}: ${words.join(', ')}`;
}

/** Marks on the zone's whole clock hours that divide by `everyHours`, and "now" at the right. */
export function hourTicks(from: number, to: number, zone: string, everyHours: number): Tick[] {
  const clock = zoneClock(zone);
  const ticks: Tick[] = [];
  const quarter = 900_000;
  const place = placer(from, to);
  for (let at = Math.ceil(from / quarter) * quarter; at < to - (to - from) * 0.05; at += quarter) {
    const { hour, minute } = clock.parts(at);
    if (minute !== 0 || hour % everyHours !== 0) continue;
    const label = `${String(hour).padStart(2, '0')}:00`;
    const isFirst = at - from < (to - from) * 0.04;
    ticks.push({ x: place.at(at), label, anchor: isFirst ? 'start' : 'middle', isMinor: ticks.length % 2 === 1 });
  }
  ticks.push({ x: '100', label: 'now', anchor: 'end', isMinor: false });
  return ticks;
}

/** Marks for rows that each show a day: every six hours of 24. */
export function dayTicks(): Tick[] {
  return [0, 6, 12, 18, 24].map((hour) => ({
    x: String((hour / 24) * 100),
    label: `${String(hour).padStart(2, '0')}:00`,
    anchor: hour === 0 ? 'start' : hour === 24 ? 'end' : 'middle',
    isMinor: hour === 6 || hour === 18,
  }));
}
