import { noUsage, type Usage } from '../../core/usage.js';
import type { GuestView, SessionView } from '../../ledger/queries/read-model.js';
import { wordsOfUpid } from './pages-evidence.js';
import { boundText, countOf, durationFigure, zoneClock, type DurationFigure } from './pages-figures.js';

export interface MonthsModel {
  current: { label: string; duration: DurationFigure; note: string };
  before: { label: string; duration: DurationFigure; bound: string; unseen: string }[];
}

/** The running month large, those before it as rows, each with how far it can be off and how much of it was not seen. */
export function monthsModel(
  months: readonly { from: number; usage: Usage }[],
  zone: string,
  asOf: number,
  freshMs: number,
): MonthsModel {
  const clock = zoneClock(zone);
  const [current, ...before] = months;
  const usage = current?.usage ?? noUsage;
  // What lies between the last poll and now is no news: every poll proves it.
  const unseen = usage.unseenMs <= freshMs ? 'nothing unseen' : unseenText(usage.unseenMs);
  return {
    current: {
      label: `${clock.monthName(current?.from ?? asOf, asOf)}, up to now`,
      duration: durationFigure(usage.totalMs),
      note: `${boundText(usage.errorMs)} · ${countOf(usage.sessionCount, 'session')} · ${unseen}`,
    },
    before: before.map((month) => ({
      label: clock.monthName(month.from, asOf),
      duration: durationFigure(month.usage.totalMs),
      bound: boundText(month.usage.errorMs),
      unseen: month.usage.unseenMs === 0 ? '' : unseenText(month.usage.unseenMs),
    })),
  };
}

function unseenText(ms: number): string {
  return `${durationFigure(ms).text} not seen`;
}

/** Since when, and by whom: `since 24 Nov 01:22:10`, `since 24 Nov 10:06:58, by alice@pve`. */
export function stateNote(guest: GuestView, last: SessionView | null, zone: string, asOf: number): string {
  const clock = zoneClock(zone);
  if (guest.destroyedAt !== null) return clock.instant(guest.destroyedAt, asOf).short;
  if (guest.state === 'not_seen') return `since ${clock.instant(guest.lastSeenAt, asOf).short}`;
  if (guest.state === 'running') {
    return guest.runningSince === null ? '' : `since ${clock.instant(guest.runningSince, asOf).short}`;
  }
  const end = last?.end ?? null;
  if (last === null || end === null) return '';
  const user = wordsOfUpid(last.stopUpid)?.user ?? '';
  return `since ${clock.instant(end.at, asOf).short}${user === '' ? '' : `, by ${user}`}`;
}
