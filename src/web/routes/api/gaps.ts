import type { Router } from '@koa/router';
import { listGaps } from '../../../ledger/queries/gaps.js';
import { requireScope } from '../../authenticate.js';
import type { WebParts } from '../../parts.js';
import { presentGaps } from '../../present/api-gap.js';
import { checkRange } from '../../range.js';
import { queryReader } from '../../validate.js';

const gapsQuery = queryReader({
  node: 'name',
  cluster: 'name',
  start_date: 'instant',
  end_date: 'instant',
  page: 'page',
  per_page: 'perPage',
});

/** GET /api/gaps. */
export function gapRoutes(router: Router, { db, config }: WebParts): void {
  router.get('/api/gaps', requireScope('read'), async (ctx) => {
    const query = gapsQuery(ctx, config.billing.timeZone);
    checkRange(query);
    const page = await listGaps(db.reader, {
      node: query.node,
      cluster: query.cluster,
      from: query.start_date,
      to: query.end_date,
      page: query.page ?? 1,
      perPage: query.per_page ?? 50,
    });
    ctx.body = presentGaps(page);
  });
}
