import type { Context } from 'koa';
import { countUsers } from '../../../ledger/access.js';
import { identityOf } from '../../authenticate.js';
import { formOf } from '../../body.js';
import { handleLogin, handleLogout } from '../../login.js';
import type { WebParts } from '../../parts.js';
import { bareChrome } from '../../present/pages-chrome.js';
import { assetVersion, sendPage } from '../../render.js';

/** GET /login: the form; somebody who is logged in is led to the overview. */
export async function loginPage(ctx: Context, parts: WebParts): Promise<void> {
  if (identityOf(ctx).kind === 'user') return leadTo(ctx, '/');
  const isFirst = (await countUsers(parts.db.reader)) === 0;
  const hint = isFirst ? 'No user yet: the manager’s log holds the link that makes the first one.' : '';
  showForm(ctx, { problem: '', username: '', hint });
}

/** POST /login: 303 to the overview, or the form again with what was wrong. */
export async function login(ctx: Context, parts: WebParts): Promise<void> {
  const outcome = await handleLogin(ctx, parts);
  if (outcome.ok) return leadTo(ctx, '/');
  ctx.status = outcome.status;
  const username = (formOf(ctx).get('username') ?? '').slice(0, 255);
  showForm(ctx, { problem: outcome.sentence, username, hint: '' });
}

/** POST /logout: ends the login and leads to the form. */
export async function logout(ctx: Context, parts: WebParts): Promise<void> {
  await handleLogout(ctx, parts);
  leadTo(ctx, '/login');
}

/** Answers 303: the browser fetches that page next. */
export function leadTo(ctx: Context, path: string): void {
  ctx.status = 303;
  ctx.redirect(path);
}

function showForm(ctx: Context, model: { problem: string; username: string; hint: string }): void {
  sendPage(ctx, 'login', bareChrome(ctx, 'Log in', assetVersion), model);
}
