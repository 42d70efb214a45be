import type { BoundaryError } from '../src/simulator/auditor.js';
import type { Meter, MixRun } from './accuracy-run.js';

/** A figure beside what it should be. */
export interface Target {
  title: string;
  figure: string;
  target: string;
  isMet: boolean;
}

const YOUNG_MS = 10 * 60_000;
const WIDE_MS = 2 * 60_000;
/** The middle of a window errs by a quarter of it in the long run: a median of some hundreds scatters by a twentieth. */
const QUARTER = 0.3;

/** How many times less wrong than the plain poller the ledger is to be, without the journal and with it. */
export function ratioTargets(title: string, { ledger, journal, poller }: MixRun, least: [number, number]): Target[] {
  const ratio = (meter: Meter): number => poller.time.wrongMs / meter.time.wrongMs;
  return [
    atLeast(`${title}: less wrong than the plain poller`, ratio(ledger), least[0]),
    atLeast(`${title}: the same with the journal`, ratio(journal), least[1]),
  ];
}

/** How far starts and ends may lie from the truth. */
export function edgeTargets(title: string, run: MixRun): Target[] {
  const { ledger, journal } = run;
  const isAtContact = (one: BoundaryError): boolean => isWideAtContact(one, run);
  const starts = ledger.report.boundaryErrors.filter(
    (one) => one.edge === 'start' && (run.firstSeenMs.get(one.truth) ?? Infinity) <= YOUNG_MS && !isAtContact(one),
  );
  const ends = (meter: Meter, kind: string): BoundaryError[] =>
    meter.report.boundaryErrors.filter((one) => one.edge === 'end' && one.kind === kind && !isAtContact(one));
  const shares = ends(ledger, 'poll').flatMap(({ errorMs, widthMs }) =>
    widthMs === null || widthMs === 0 ? [] : [Math.abs(errorMs) / widthMs],
  );
  return [
    below(`${title}: ${starts.length} starts first seen within ten minutes, median`, median(starts), 0.5),
    below(`${title}: the same, the largest`, largest(starts), 1.5),
    below(`${title}: ${ends(ledger, 'task').length} ends by a task, median`, median(ends(ledger, 'task')), 1.5),
    {
      title: `${title}: ${shares.length} ends by polls alone, error as a share of the window, median`,
      figure: quantile(shares, 0.5).toFixed(2),
      target: 'a quarter (0.30 with scatter)',
      isMet: quantile(shares, 0.5) <= QUARTER,
    },
    {
      title: `${title}: the same, the largest`,
      figure: quantile(shares, 1).toFixed(2),
      target: 'half',
      isMet: quantile(shares, 1) <= 0.505,
    },
    below(
      `${title}: ${ends(journal, 'journal').length} ends by the journal, median`,
      median(ends(journal, 'journal')),
      2,
    ),
  ];
}

/** True of an edge from before the first poll whose bounds are more than two minutes apart: these are listed apart. */
export function isWideAtContact({ edge, truth, widthMs }: BoundaryError, run: MixRun): boolean {
  const at = edge === 'start' ? truth.startedAt : truth.endedAt;
  return (widthMs ?? Infinity) > WIDE_MS && (at ?? Infinity) < (run.firstPollAt.get(truth) ?? -Infinity);
}

/** The value below which `share` of the values lie; NaN where there is none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

const secondsOf = (list: readonly BoundaryError[]): number[] => list.map(({ errorMs }) => Math.abs(errorMs) / 1000);
const median = (list: readonly BoundaryError[]): number => quantile(secondsOf(list), 0.5);
const largest = (list: readonly BoundaryError[]): number => quantile(secondsOf(list), 1);

function atLeast(title: string, figure: number, least: number): Target {
  return { title, figure: `${figure.toFixed(1)} x`, target: `at least ${least} x`, isMet: figure >= least };
}

function below(title: string, figureS: number, boundS: number): Target {
  return { title, figure: `${figureS.toFixed(2)} s`, target: `below ${boundS} s`, isMet: figureS <= boundS };
}
