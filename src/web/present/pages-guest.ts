import type { Usage } from '../../ledger/queries/pages-usage.js';
import type { GuestView, SessionView } from '../../ledger/queries/read-model.js';
import { wordsOfUpid } from './pages-evidence.js';
import { boundText, countOf, durationFigure, zoneClock, type DurationFigure } from './pages-figures.js';

export interface MonthsModel {
  current: { label: string; duration: DurationFigure; note: string };
  before: { label: string; duration: DurationFigure; bound: string }[];
}

/** The running month large, those before it as rows. */
export function monthsModel(
  months: readonly { from: number; usage: Usage; unseenMs: number }[],
  zone: string,
  asOf: number,
): MonthsModel {
  const clock = zoneClock(zone);
  const [current, ...before] = months;
  const usage = current?.usage ?? { runningMs: 0, errorMs: 0, sessionCount: 0 };
  const unseenMs = current?.unseenMs ?? 0;
  const unseen = unseenMs === 0 ? 'nothing unseen' : `${durationFigure(unseenMs).text} not seen`;
  return {
    current: {
      label: `${clock.monthName(current?.from ?? asOf, asOf)}, up to now`,
      duration: durationFigure(usage.runningMs),
      note: `${boundText(usage.errorMs)} · ${countOf(usage.sessionCount, 'session')} · ${unseen}`,
    },
    before: before.map((month) => ({
      label: clock.monthName(month.from, asOf),
      duration: durationFigure(month.usage.runningMs),
      bound: boundText(month.usage.errorMs),
    })),
  };
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
