import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import type { Router } from '@koa/router';
import Koa, { type Middleware } from 'koa';
import { packageRoot } from '../package-root.js';
import { authenticate } from './authenticate.js';
import { readBody } from './body.js';
import { compression } from './compression.js';
import { csrf } from './csrf.js';
import { requestLog, setSecurityHeaders } from './envelope.js';
import { errorAnswers, notFound, WebError } from './errors.js';
import { apiGate } from './gate.js';
import { listen, type Listener } from './listen.js';
import type { WebParts } from './parts.js';
import { apiRoutes } from './routes/api/api.js';
import { ingestRoutes } from './routes/ingest/ingest.js';
import { healthRoutes } from './routes/health.js';
import { metricsRoutes } from './routes/metrics.js';
import { pageRoutes } from './routes/pages/pages.js';
import { staticFiles } from './static-files.js';

export type { WebParts } from './parts.js';

export interface Web {
  /** Starts to answer; `url` is one that a person can open. */
  listen(): Promise<{ url: string; port: number }>;
  /** Lets the requests underway finish for a few seconds and frees the port. */
  close(): Promise<void>;
  callback(): RequestListener;
  /** Every route that is answered, as `GET /api/nodes/:name`. */
  routes(): string[];
}

/** The web server on its parts. The order of the middleware is the contract: each one relies on those above it. */
export function createWeb(parts: WebParts): Web {
  const app = new Koa();
  app.proxy = parts.config.server.trustProxy;
  // The last address of X-Forwarded-For is the one that our proxy saw; those before it may be made up.
  app.maxIpsCount = 1;
  app.on('error', (error: NodeJS.ErrnoException) => {
    parts.log.debug('an answer was cut', { code: error.code, error: error.message });
  });
  const routers = [apiRoutes(parts), ingestRoutes(parts), metricsRoutes(parts), pageRoutes(parts)];
  const health = healthRoutes(parts);
  const order: Middleware[] = [
    requestLog(parts.log, parts.clock),
    setSecurityHeaders(),
    parts.metrics.countAnswers(),
    errorAnswers(parts.log),
    compression(),
    health.routes() as Middleware,
    staticFiles(join(packageRoot, 'public')),
    authenticate(parts),
    apiGate(),
    noStore(),
    readBody(),
    csrf(),
    ...routers.map((router) => router.routes() as Middleware),
    unmatched([health, ...routers]),
  ];
  for (const middleware of order) app.use(middleware);
  return webOf(app, parts, [health, ...routers]);
}

function webOf(app: Koa, parts: WebParts, routers: readonly Router[]): Web {
  let listener: Listener | null = null;
  const callback = app.callback();
  const answer: RequestListener = (request, response) => void callback(request, response);
  return {
    async listen() {
      listener = await listen(parts.config.server, answer, parts.log);
      return { url: listener.url, port: listener.port };
    },
    async close() {
      await listener?.close();
      listener = null;
    },
    callback: () => answer,
    routes: () => routers.flatMap((router) => router.stack.flatMap(routesAt)),
  };
}

/** A GET is answered to HEAD too, which is no route of its own. */
function routesAt({ path, methods }: Router['stack'][number]): string[] {
  return methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${String(path)}`);
}

/** What a credential opened is kept by no cache. */
function noStore(): Middleware {
  return async (ctx, next) => {
    ctx.set('Cache-Control', 'no-store');
    await next();
  };
}

/** 405 with Allow where the path is known under another method, else 404. */
function unmatched(routers: readonly Router[]): Middleware {
  return (ctx) => {
    const methods = routers
      .flatMap((router) => router.match(ctx.path, ctx.method).path)
      .flatMap((layer) => layer.methods);
    if (methods.length === 0) throw notFound(`There is nothing at ${ctx.path.slice(0, 200)}.`);
    const allow = [...new Set(methods)].sort().join(', ');
    throw new WebError(405, `This path takes ${allow}.`, { headers: { Allow: allow } });
  };
}
