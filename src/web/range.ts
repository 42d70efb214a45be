import { unprocessable } from './errors.js';

/** Throws 422 for a range that ends before it starts; one of no length holds nothing. */
export function checkRange(query: { start_date?: number; end_date?: number }): void {
  if (query.start_date === undefined || query.end_date === undefined) return;
  if (query.end_date < query.start_date) {
    throw unprocessable([{ path: '/end_date', message: 'must not lie before start_date' }]);
  }
}
