import Router from '@koa/router';
import type { Context } from 'koa';
import { requirePage } from '../../authenticate.js';
import type { WebParts } from '../../parts.js';
import { checksPage, runChecksNow, settle } from './checks.js';
import { forceSync } from './force-sync.js';
import { gapsPage } from './gaps.js';
import { guestPage } from './guest.js';
import { guestsPage } from './guests.js';
import { login, loginPage, logout } from './login.js';
import { MonthFigures } from './month-figures.js';
import { nodesPage } from './nodes.js';
import { overviewPage } from './overview.js';
import { sessionsPage } from './sessions.js';
import { settingsRoutes } from './settings/settings.js';
import { setup, setupPage } from './setup.js';
import { chooseTheme } from './theme.js';

/** Every page: what it needs and who draws it. The CSRF token of the forms is checked before these are reached. */
export function pageRoutes(parts: WebParts): Router {
  const router = new Router();
  const figures = new MonthFigures(parts);
  const page =
    (draw: (ctx: Context, parts: WebParts) => Promise<void>) =>
    (ctx: Context): Promise<void> =>
      draw(ctx, parts);
  router.get('/login', page(loginPage));
  router.post('/login', page(login));
  router.post('/logout', page(logout));
  router.get('/setup/:token', (ctx) => setupPage(ctx, parts, ctx.params['token'] ?? ''));
  router.post('/setup/:token', (ctx) => setup(ctx, parts, ctx.params['token'] ?? ''));
  router.get('/', requirePage('read'), (ctx) => overviewPage(ctx, parts, figures));
  router.get('/guests', requirePage('read'), page(guestsPage));
  router.get('/guests/:id', requirePage('read'), (ctx) => guestPage(ctx, parts, ctx.params['id'] ?? ''));
  router.get('/sessions', requirePage('read'), page(sessionsPage));
  router.get('/nodes', requirePage('read'), page(nodesPage));
  router.get('/gaps', requirePage('read'), page(gapsPage));
  router.get('/checks', requirePage('read'), page(checksPage));
  router.post('/checks/run', requirePage('admin'), page(runChecksNow));
  router.post('/checks/settle', requirePage('admin'), (ctx) => settle(ctx, parts, figures));
  router.post('/force-sync', requirePage('admin'), (ctx) => forceSync(ctx, parts, figures));
  settingsRoutes(router, parts);
  router.post('/theme', (ctx) => chooseTheme(ctx));
  return router;
}
