import { unseenWithin, type Unseen } from '../../../ledger/queries/pages-unseen.js';
import { totalUsage, usageByGuest, type Usage } from '../../../ledger/queries/pages-usage.js';
import type { WebParts } from '../../parts.js';
import { monthOf } from '../../present/pages-calendar.js';

export interface MonthTotals {
  usage: Usage;
  unseen: Unseen;
}

/** As often as open pages ask anew: many that look at once cost the database one sum. */
const KEPT_MS = 14_000;

/** The sums of the running month over all guests: the one dear question of the overview, so its answer is kept a while. */
export class MonthFigures {
  private kept: { at: number; monthFrom: number; totals: Promise<MonthTotals> } | null = null;

  constructor(private readonly parts: Pick<WebParts, 'db' | 'config'>) {}

  /** At most fourteen seconds old, and of asOf's month. */
  async totals(asOf: number): Promise<MonthTotals> {
    const month = monthOf(asOf, this.parts.config.billing.timeZone);
    const kept = this.kept;
    if (kept !== null && kept.monthFrom === month.from && asOf >= kept.at && asOf - kept.at < KEPT_MS)
      return kept.totals;
    const totals = this.sum(month, asOf);
    this.kept = { at: asOf, monthFrom: month.from, totals };
    totals.catch(() => this.forget());
    return totals;
  }

  /** The next question is answered anew: after a sync that was asked for. */
  forget(): void {
    this.kept = null;
  }

  private async sum(month: { from: number; to: number }, asOf: number): Promise<MonthTotals> {
    const db = this.parts.db.reader;
    const usage = totalUsage((await usageByGuest(db, month, null, asOf)).values());
    return { usage, unseen: await unseenWithin(db, month, asOf) };
  }
}
