import type { Knex } from 'knex';

/**
 * Leaves the rows whose half-open time overlaps [from, to); a null end goes on. A row of zero length belongs to the range
 * that holds its instant, so that neighbouring ranges count it once.
 */
export function overlapping(
  query: Knex.QueryBuilder,
  columns: { start: string; end: string },
  range: { from?: number | undefined; to?: number | undefined },
): void {
  const { from, to } = range;
  if (to !== undefined) void query.where(columns.start, '<', to);
  if (from !== undefined) {
    void query.where((where) => {
      void where.whereNull(columns.end).orWhere(columns.end, '>', from).orWhere(columns.start, '>=', from);
    });
  }
}
