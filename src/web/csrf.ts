import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import { identityOf } from './authenticate.js';
import { formOf } from './body.js';
import { isApi, WebError } from './errors.js';

const CSRF_COOKIE = 'tracker_csrf';

/**
 * Refuses a write that a cookie vouches for unless it carries the token of its page, in X-CSRF-Token or the field `_csrf`.
 * Before the login the token is that of a cookie of its own. Keys need none: no browser sends them unasked, and a trusted address does not count for a browser.
 */
export function csrf(): Middleware {
  return async (ctx, next) => {
    if (!isSafe(ctx) && !hasToken(ctx)) {
      throw new WebError(403, 'The CSRF token is missing or old: load the page again and repeat what you did.');
    }
    await next();
  };
}

/** The token that a page's forms must carry, in `_csrf` and in its meta tag; sets the cookie where there is no login yet. */
export function csrfTokenOf(ctx: Context): string {
  const identity = identityOf(ctx);
  if (identity.kind === 'user') return identity.csrfToken;
  if (identity.kind === 'key') return '';
  const known = (ctx.state['csrfToken'] as string | undefined) ?? ctx.cookies.get(CSRF_COOKIE);
  const token = known !== undefined && known.length >= 32 ? known : randomBytes(32).toString('base64url');
  ctx.state['csrfToken'] = token;
  ctx.cookies.set(CSRF_COOKIE, token, { httpOnly: true, sameSite: 'lax', secure: ctx.secure, overwrite: true });
  return token;
}

function isSafe(ctx: Context): boolean {
  if (['GET', 'HEAD', 'OPTIONS'].includes(ctx.method)) return true;
  const { kind } = identityOf(ctx);
  // Nobody gets past the gate of the API.
  return kind === 'key' || kind === 'address' || (kind === 'anonymous' && isApi(ctx));
}

function hasToken(ctx: Context): boolean {
  const identity = identityOf(ctx);
  const expected = identity.kind === 'user' ? identity.csrfToken : (ctx.cookies.get(CSRF_COOKIE) ?? '');
  const given = ctx.get('X-CSRF-Token') || (formOf(ctx).get('_csrf') ?? '');
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return expected.length >= 32 && a.length === b.length && timingSafeEqual(a, b);
}
