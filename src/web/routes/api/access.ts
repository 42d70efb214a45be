import type { Router } from '@koa/router';
import { listAudit, listKeys } from '../../../ledger/access.js';
import { requireScope } from '../../authenticate.js';
import type { WebParts } from '../../parts.js';
import { presentAudit, presentKey } from '../../present/api-access.js';
import { queryReader } from '../../validate.js';

const pageQuery = queryReader({ page: 'page', per_page: 'perPage' });

/** GET /api/keys and /api/audit. */
export function accessRoutes(router: Router, { db, config }: WebParts): void {
  router.get('/api/keys', requireScope('read'), async (ctx) => {
    ctx.body = { keys: (await listKeys(db.reader)).map(presentKey) };
  });

  router.get('/api/audit', requireScope('read'), async (ctx) => {
    const { page = 1, per_page: perPage = 50 } = pageQuery(ctx, config.billing.timeZone);
    ctx.body = presentAudit(await listAudit(db.reader, { page, perPage }));
  });
}
