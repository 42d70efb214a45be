import { Router } from '@koa/router';
import type { WebParts } from '../parts.js';
import { isoOf } from '../present/api-values.js';
import { readiness } from '../readiness.js';

/** A database that takes longer does not answer, as far as a load balancer is concerned. */
const ANSWER_MS = 3000;

/** /health for people and monitors, /ready for what sends traffic; no credential, no secret, never kept. */
export function healthRoutes(parts: WebParts): Router {
  const router = new Router();
  const waitsFor = readiness(parts);
  router.get('/health', async (ctx) => {
    const nodes = await activeNodes(parts);
    ctx.status = nodes === null ? 503 : 200;
    ctx.set('Cache-Control', 'no-store');
    ctx.body = {
      status: nodes === null ? 'unhealthy' : 'healthy',
      version: parts.version,
      database: nodes === null ? 'unreachable' : 'connected',
      active_nodes: nodes ?? 0,
      timestamp: isoOf(parts.clock.now()),
    };
  });

  router.get('/ready', async (ctx) => {
    const waits = await waitsFor();
    ctx.status = waits.length === 0 ? 200 : 503;
    ctx.set('Cache-Control', 'no-store');
    ctx.body = {
      status: waits.length === 0 ? 'ready' : 'not ready',
      waits_for: waits,
      timestamp: isoOf(parts.clock.now()),
    };
  });
  return router;
}

/** Null where the database, or the table of nodes in it, does not answer in time. */
async function activeNodes({ db, log }: WebParts): Promise<number | null> {
  try {
    const row = await Promise.race([
      db.reader('nodes').where('is_active', 1).count('* as count').first(),
      new Promise<never>((_, reject) => {
        setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS).unref();
      }),
    ]);
    return Number((row as { count: number | string } | undefined)?.count ?? 0);
  } catch (error) {
    log.warn('the database does not answer', { error: error instanceof Error ? error.message : String(error) });
    return null;
  }
}
