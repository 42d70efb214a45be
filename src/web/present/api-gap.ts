import type { GapView, Page } from '../../ledger/queries/read-model.js';
import { isoOf } from './api-values.js';

/** A page of gaps; one that goes on has no end_time. */
export function presentGaps(page: Page<GapView>) {
  const gaps = page.items.map((gap) => ({
    id: gap.id,
    cluster: gap.cluster,
    node: gap.node,
    start_time: isoOf(gap.startedAt),
    end_time: isoOf(gap.endedAt),
    reason: gap.reason,
    detail: gap.detail,
    proven: gap.isProven,
  }));
  return { gaps, total: page.total, page: page.page, per_page: page.perPage };
}
