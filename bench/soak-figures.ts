import { nothingExcused, type Excused } from '../test/fuzz/reach.js';
import type { WorldRun } from '../test/fuzz/run-world.js';

/** What is counted of one world. */
export interface WorldTally {
  seed: number;
  /** Of its family. */
  title: string;
  complaints: string[];
  excused: Excused;
  /** Each true instant that the ledger states. */
  edges: { edge: string; kind: string; widthMs: number | null }[];
  outOfBounds: number;
}

/** The world's tally, small enough to be sent from one process to another. */
export function tallyOf(seed: number, title: string, { report, excused }: WorldRun, wrong: string[]): WorldTally {
  const edges = report.boundaryErrors.map(({ edge, kind, widthMs }) => ({ edge, kind, widthMs }));
  return { seed, title, complaints: wrong, excused, edges, outOfBounds: report.outOfBounds.length };
}

/** What was counted over the worlds that were played. */
export class SoakFigures {
  worldCount = 0;
  lastSeed = 0;
  readonly failing: number[] = [];
  private edgeCount = 0;
  private withinCount = 0;
  private readonly excused: Excused = { ...nothingExcused };
  /** By edge and evidence; null where the ledger states no earliest. */
  private readonly widthsMs = new Map<string, (number | null)[]>();

  take({ seed, complaints, excused, edges, outOfBounds }: WorldTally): void {
    this.worldCount += 1;
    this.lastSeed = Math.max(this.lastSeed, seed);
    this.edgeCount += edges.length;
    this.withinCount += edges.length - outOfBounds;
    for (const key of Object.keys(excused) as (keyof Excused)[]) this.excused[key] += excused[key];
    for (const { edge, kind, widthMs } of edges) {
      const name = `${edge} by ${kind}${isOld(kind, widthMs) ? ', first seen old' : ''}`;
      const list = this.widthsMs.get(name);
      if (list === undefined) this.widthsMs.set(name, [widthMs]);
      else list.push(widthMs);
    }
    if (complaints.length > 0) this.failing.push(seed);
  }

  /** Markdown: the counts, what was excused, and the widths of the bounds by evidence. */
  lines(): string[] {
    const { trueRuns, earlierRuns, hiddenRuns, joinedRuns, idleStops } = this.excused;
    return [
      `${count(this.worldCount)} worlds, ${count(trueRuns)} true runs: ` +
        (this.failing.length === 0
          ? 'all clean.'
          : `wrong in ${this.failing.length}, seeds ${this.failing.toSorted((a, b) => a - b).join(' ')}.`),
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
