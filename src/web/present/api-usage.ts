import type { Interval } from '../../core/interval.js';
import type { Usage } from '../../core/usage.js';
import type { GuestView } from '../../ledger/queries/read-model.js';
import { formatHours, isoOf, wholeSeconds } from './api-values.js';

/** Seconds are floored once; the error bound holds the truth around what was floored. Without a plan all of the total is billable. */
function presentAmounts({ totalMs, sessionCount, unseenMs, errorMs }: Usage) {
  return {
    total_seconds: wholeSeconds(totalMs),
    session_count: sessionCount,
    formatted_duration: formatHours(totalMs),
    billable_seconds: wholeSeconds(totalMs),
    error_bound_seconds: (errorMs + (totalMs % 1000)) / 1000,
    unseen_seconds: wholeSeconds(unseenMs),
  };
}

/** A guest's usage over a period; no rate yet, so no cost. */
export function presentUsage(guest: GuestView, usage: Usage, period: Interval) {
  return {
    ...presentPlace(guest, period),
    ...presentAmounts(usage),
    total_hours: Math.round(usage.totalMs / 36_000) / 100,
    estimated_cost: null,
  };
}

/** A guest's usage day by day; also days without a run. */
export function presentDaily(guest: GuestView, days: readonly { date: string; usage: Usage }[], period: Interval) {
  return {
    ...presentPlace(guest, period),
    daily_usage: days.map(({ date, usage }) => ({ date, ...presentAmounts(usage) })),
  };
}

function presentPlace(guest: GuestView, period: Interval) {
  return {
    vm_id: String(guest.vmid),
    guest_id: guest.id,
    node: guest.node,
    cluster: guest.cluster,
    period_start: isoOf(period.from),
    period_end: isoOf(period.to),
  };
}
