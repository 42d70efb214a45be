import type { Context } from 'koa';
import {
  AccessError,
  addUser,
  countUsers,
  createLogin,
  endLogin,
  isSetupLink,
  LOGIN_ACTION,
  LOGIN_MS,
  useSetupLink,
  writeAudit,
} from '../ledger/access.js';
import { inTransaction, type Trx } from '../ledger/database.js';
import { identityOf, LOGIN_COOKIE } from './authenticate.js';
import { formOf } from './body.js';
import { judgePassword } from './judge-login.js';
import type { WebParts } from './parts.js';

export type LoginOutcome = { ok: true } | { ok: false; status: 401 | 429; sentence: string };
export type SetupOutcome = { ok: true } | { ok: false; status: 404 | 422; sentence: string };

/**
 * Judges the fields `username`, `password` and `code` of POST /login. On success the login's cookie is set and one that the
 * browser had before opens nothing any more. The CSRF token was judged before.
 */
export async function handleLogin(ctx: Context, parts: WebParts): Promise<LoginOutcome> {
  const form = formOf(ctx);
  const given = {
    name: form.get('username') ?? '',
    password: form.get('password') ?? '',
    code: form.get('code') ?? '',
  };
  const judgement = await judgePassword(ctx, parts, given);
  if (!judgement.ok) return judgement;
  await logIn(ctx, parts, { userId: judgement.user.id, name: judgement.user.name });
  return { ok: true };
}

/** Ends the login of this browser, if it has one, and takes its cookie away. */
export async function handleLogout(ctx: Context, parts: WebParts): Promise<void> {
  const identity = identityOf(ctx);
  if (identity.kind === 'user') {
    const entry = { at: parts.clock.now(), actor: identity.name, address: ctx.ip, action: 'logout' };
    await inTransaction(parts.db, async (trx) => {
      await endLogin(trx, identity.loginId);
      await writeAudit(trx, { ...entry, subject: identity.name });
    });
  }
  ctx.cookies.set(LOGIN_COOKIE, null, { ...cookieOf(ctx), maxAge: 0 });
}

/** True while this one-time link makes the first user: nobody has used it, a day has not passed, and there is no user yet. */
export async function isSetupOpen(parts: WebParts, token: string): Promise<boolean> {
  const { reader } = parts.db;
  return (await countUsers(reader)) === 0 && (await isSetupLink(reader, token, parts.clock.now()));
}

/**
 * Makes the first admin from the fields `username` and `password`, spends the link and logs the browser in, all or
 * nothing. 404 for a link that opens nothing, 422 with the reason for a name or password that will not do.
 */
export async function handleSetup(ctx: Context, parts: WebParts, token: string): Promise<SetupOutcome> {
  const form = formOf(ctx);
  const now = parts.clock.now();
  const wish = { name: form.get('username') ?? '', password: form.get('password') ?? '', role: 'admin' as const };
  try {
    const user = await inTransaction(parts.db, async (trx) => {
      if (!(await useSetupLink(trx, token, now)) || (await countUsers(trx)) > 0) return null;
      const made = await addUser(trx, wish, now);
      const after = { role: wish.role };
      await writeAudit(trx, {
        at: now,
        actor: made.name,
        address: ctx.ip,
        action: 'user.add',
        subject: made.name,
        after,
      });
      return made;
    });
    if (user === null) return { ok: false, status: 404, sentence: 'This link has been used, or is too old.' };
    await logIn(ctx, parts, { userId: user.id, name: user.name });
    return { ok: true };
  } catch (error) {
    if (error instanceof AccessError) return { ok: false, status: 422, sentence: error.message };
    throw error;
  }
}

/** Logs this browser in, by a new token; the login that it had before opens nothing any more. */
export async function logIn(ctx: Context, parts: WebParts, user: { userId: number; name: string }): Promise<void> {
  const now = parts.clock.now();
  const before = identityOf(ctx);
  const { token } = await inTransaction(parts.db, async (trx: Trx) => {
    if (before.kind === 'user') await endLogin(trx, before.loginId);
    await writeAudit(trx, { at: now, actor: user.name, address: ctx.ip, action: LOGIN_ACTION, subject: user.name });
    return createLogin(trx, { userId: user.userId, address: ctx.ip }, now);
  });
  ctx.cookies.set(LOGIN_COOKIE, token, { ...cookieOf(ctx), maxAge: LOGIN_MS });
}

function cookieOf(ctx: Context) {
  return { httpOnly: true, sameSite: 'lax' as const, secure: ctx.secure, path: '/', overwrite: true };
}
