import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { requirePage } from '../../../authenticate.js';
import { notFound } from '../../../errors.js';
import type { WebParts } from '../../../parts.js';
import { accountPage, changePassword, endOneLogin } from './account.js';
import { beginOwnFactor, confirmOwnFactor, endFactorOf, endOwnFactor } from './factor.js';
import { addKey, closeKey, keysPage } from './keys.js';
import { addEntry, changeEntry, editPage, entriesPage, removalPage, removeEntry, testEntry } from './nodes.js';
import { addOneUser, disableUser, enableUser, resetPassword, setRole, usersPage } from './users.js';

type Draw = (ctx: Context, parts: WebParts) => Promise<void>;
type Change = (ctx: Context, parts: WebParts, id: number) => Promise<void>;

/** The pages of the settings, all plain forms. Everybody has an account; users, keys and node entries are for admins. */
export function settingsRoutes(router: Router, parts: WebParts): void {
  const draw =
    (page: Draw) =>
    (ctx: Context): Promise<void> =>
      page(ctx, parts);
  const change = (of: Change) => (ctx: Context) => of(ctx, parts, idOf(ctx));
  router.get('/account', requirePage('read'), draw(accountPage));
  router.post('/account/password', requirePage('read'), draw(changePassword));
  router.post('/account/logins/:id/end', requirePage('read'), change(endOneLogin));
  router.post('/account/factor', requirePage('read'), draw(beginOwnFactor));
  router.post('/account/factor/confirm', requirePage('read'), draw(confirmOwnFactor));
  router.post('/account/factor/off', requirePage('read'), draw(endOwnFactor));

  router.get('/settings/users', requirePage('admin'), draw(usersPage));
  router.post('/settings/users', requirePage('admin'), draw(addOneUser));
  router.post('/settings/users/:id/role', requirePage('admin'), change(setRole));
  router.post('/settings/users/:id/disable', requirePage('admin'), change(disableUser));
  router.post('/settings/users/:id/enable', requirePage('admin'), change(enableUser));
  router.post('/settings/users/:id/password', requirePage('admin'), change(resetPassword));
  router.post('/settings/users/:id/factor-off', requirePage('admin'), change(endFactorOf));

  router.get('/settings/keys', requirePage('admin'), draw(keysPage));
  router.post('/settings/keys', requirePage('admin'), draw(addKey));
  router.post('/settings/keys/:id/revoke', requirePage('admin'), change(closeKey));

  router.get('/settings/nodes', requirePage('admin'), draw(entriesPage));
  router.post('/settings/nodes', requirePage('admin'), draw(addEntry));
  router.post('/settings/nodes/test', requirePage('admin'), draw(testEntry));
  router.get('/settings/nodes/edit', requirePage('admin'), draw(editPage));
  router.post('/settings/nodes/edit', requirePage('admin'), draw(changeEntry));
  router.get('/settings/nodes/remove', requirePage('admin'), draw(removalPage));
  router.post('/settings/nodes/remove', requirePage('admin'), draw(removeEntry));
}

function idOf(ctx: Context): number {
  const id = (ctx.params as Record<string, string | undefined>)['id'] ?? '';
  if (!/^[1-9]\d{0,14}$/.test(id)) throw notFound('There is nothing of that number.');
  return Number(id);
}
