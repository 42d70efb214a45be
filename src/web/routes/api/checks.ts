import type { Router } from '@koa/router';
import { lastCheck, listFindings } from '../../../ledger/queries/findings.js';
import { requireScope } from '../../authenticate.js';
import type { WebParts } from '../../parts.js';
import { presentChecks } from '../../present/api-check.js';

/** GET /api/checks: what the last run of the sanity checker found and nobody settled. */
export function checkRoutes(router: Router, { db }: WebParts): void {
  router.get('/api/checks', requireScope('read'), async (ctx) => {
    ctx.body = presentChecks(await listFindings(db.reader), await lastCheck(db.reader));
  });
}
