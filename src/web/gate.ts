import type { Context, Middleware } from 'koa';
import type { Scope } from '../ledger/access.js';
import { checkScope } from './authenticate.js';

/**
 * Judges the credentials of every /api path before its route is looked for: 401 without a key, 403 with too small a
 * scope, whether the path exists or not (wire-contract.md, "Auth").
 */
export function apiGate(): Middleware {
  return async (ctx, next) => {
    if (/^\/api(\/|$)/.test(ctx.path)) checkScope(ctx, scopesFor(ctx));
    await next();
  };
}

function scopesFor(ctx: Context): Scope[] {
  const path = ctx.path.replace(/\/+$/, '');
  if (path === '/api/ingest/force-sync') return ['admin'];
  if (path === '/api/ingest' || path.startsWith('/api/ingest/')) return ['ingest'];
  if (ctx.method === 'GET' || ctx.method === 'HEAD' || ctx.method === 'OPTIONS') return ['read'];
  if (path === '/api/nodes' && ctx.method === 'POST') return ['enrol'];
  return ['admin'];
}
