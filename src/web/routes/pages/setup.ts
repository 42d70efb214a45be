import type { Context } from 'koa';
import { formOf } from '../../body.js';
import { notFound } from '../../errors.js';
import { handleSetup, isSetupOpen } from '../../login.js';
import type { WebParts } from '../../parts.js';
import { bareChrome } from '../../present/pages-chrome.js';
import { assetVersion, sendPage } from '../../render.js';
import { leadTo } from './login.js';

const SPENT =
  'This link makes no user any more: it was used, or a day has passed. The log of a restarted manager holds a new one as long as there is no user.';

/** GET /setup/{token}: the form for the first user, while the one-time link is good. */
export async function setupPage(ctx: Context, parts: WebParts, token: string): Promise<void> {
  if (!(await isSetupOpen(parts, token))) throw notFound(SPENT);
  showForm(ctx, token, { problem: '', username: 'admin' });
}

/** POST /setup/{token}: makes the first user, logs the browser in and leads to the overview. */
export async function setup(ctx: Context, parts: WebParts, token: string): Promise<void> {
  const form = formOf(ctx);
  const username = (form.get('username') ?? '').slice(0, 255);
  if (form.get('password') !== form.get('repeat')) {
    ctx.status = 422;
    showForm(ctx, token, { problem: 'The two passwords differ: type the same one twice.', username });
    return;
  }
  const outcome = await handleSetup(ctx, parts, token);
  if (outcome.ok) return leadTo(ctx, '/');
  if (outcome.status === 404) throw notFound(SPENT);
  ctx.status = outcome.status;
  showForm(ctx, token, { problem: outcome.sentence, username });
}

function showForm(ctx: Context, token: string, model: { problem: string; username: string }): void {
  const action = `/setup/${encodeURIComponent(token)}`;
  sendPage(ctx, 'setup', bareChrome(ctx, 'The first user', assetVersion), { ...model, action });
}
