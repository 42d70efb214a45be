import { nothingExcused, type Excused } from '../test/fuzz/reach.js';
import type { WorldRun } from '../test/fuzz/run-world.js';

/** What was counted over the worlds that were played. */
export class SoakFigures {
  worldCount = 0;
  readonly failing: number[] = [];
  private edgeCount = 0;
  private withinCount = 0;
  private readonly excused: Excused = { ...nothingExcused };
  /** By edge and evidence; null where the ledger states no earliest. */
  private readonly widthsMs = new Map<string, (number | null)[]>();

  take(seed: number, { report, excused }: WorldRun, isWrong: boolean): void {
    this.worldCount += 1;
    this.edgeCount += report.boundaryErrors.length;
    this.withinCount += report.boundaryErrors.length - report.outOfBounds.length;
    for (const key of Object.keys(excused) as (keyof Excused)[]) this.excused[key] += excused[key];
    for (const { edge, kind, widthMs } of report.boundaryErrors) {
      const name = `${edge} by ${kind}${isOld(kind, widthMs) ? ', first seen old' : ''}`;
      const list = this.widthsMs.get(name);
      if (list === undefined) this.widthsMs.set(name, [widthMs]);
      else list.push(widthMs);
    }
    if (isWrong) this.failing.push(seed);
  }

  /** Markdown: the counts, what was excused, and the widths of the bounds by evidence. */
  lines(): string[] {
    const { trueRuns, earlierRuns, hiddenRuns, joinedRuns, idleStops } = this.excused;
    return [
      `${count(this.worldCount)} worlds, ${count(trueRuns)} true runs: ` +
        (this.failing.length === 0
          ? 'all clean.'
          : `wrong in ${this.failing.length}, seeds ${this.failing.join(' ')}.`),
      '',
      `${count(this.withinCount)} of ${count(this.edgeCount)} true instants lie within their stated bounds.`,
      '',
      `Excused, of ${count(trueRuns)} runs, for neither log nor lists can tell them: ${count(earlierRuns)} that were over before the first look, ` +
        `${count(hiddenRuns)} hidden between two looks, ${count(joinedRuns)} told as one with the run before, ` +
        `${count(idleStops)} whose stop found nothing to stop.`,
      '',
      '| edge | count | width of the bounds: median | p95 |',
      '|---|---:|---:|---:|',
      ...[...this.widthsMs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, list]) => widthRow(name, list)),
    ];
  }
}

/** Starts by an uptime that was read late are as exact as two clocks agree over its age; they are listed apart. */
function isOld(kind: string, widthMs: number | null): boolean {
  return kind === 'uptime' && widthMs !== null && widthMs > 2_000;
}

function widthRow(name: string, list: readonly (number | null)[]): string {
  const sorted = list.filter((one) => one !== null).sort((a, b) => a - b);
  const at = (share: number): string => seconds(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]);
  const figures = sorted.length === 0 ? 'no earliest |' : `${at(0.5)} | ${at(0.95)}`;
  return `| ${name} | ${count(list.length)} | ${figures} |`;
}

const seconds = (ms: number | undefined): string => `${((ms ?? 0) / 1000).toFixed(2)} s`;
const count = (value: number): string => value.toLocaleString('en-US');
