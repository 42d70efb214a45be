import type { GapView } from '../../ledger/queries/read-model.js';
import { gapWords } from './pages-evidence.js';
import { durationFigure, zoneClock, type DurationFigure, type InstantFigure } from './pages-figures.js';
import { nodeHref, type StateFigure } from './pages-guests.js';

export interface GapRow {
  node: string;
  nodeHref: string;
  why: string;
  detail: string;
  from: InstantFigure;
  to: InstantFigure | null;
  lasted: DurationFigure;
  outcome: StateFigure;
}

/** A row of the gaps page. A gap that later evidence proved stops being unseen (ledger rule 21). */
export function gapRow(gap: GapView, zone: string, asOf: number): GapRow {
  const clock = zoneClock(zone);
  return {
    node: gap.node,
    nodeHref: nodeHref(gap.node),
    why: gapWords[gap.reason],
    detail: gap.detail ?? '',
    from: clock.instant(gap.startedAt, asOf),
    to: gap.endedAt === null ? null : clock.instant(gap.endedAt, asOf),
    lasted: durationFigure((gap.endedAt ?? asOf) - gap.startedAt),
    outcome: outcomeOf(gap),
  };
}

function outcomeOf(gap: GapView): StateFigure {
  if (gap.endedAt === null) return { mark: 'not_seen', word: 'not seen just now' };
  if (gap.isProven) return { mark: 'running', word: 'proven since' };
  return { mark: 'not_seen', word: 'stays unproven' };
}
