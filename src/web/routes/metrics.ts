import { Router } from '@koa/router';
import { requireScope } from '../authenticate.js';
import type { WebParts } from '../parts.js';

/** GET /metrics, for Prometheus: with a read key, as `authorization: { credentials: KEY }` sends it. */
export function metricsRoutes({ metrics }: WebParts): Router {
  const router = new Router();
  router.get('/metrics', requireScope('read'), async (ctx) => {
    ctx.body = await metrics.report();
    ctx.set('Content-Type', metrics.contentType);
  });
  return router;
}
