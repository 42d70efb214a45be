import type { Queryable, Trx } from '../database.js';
import { newToken, tokenHash } from './token.js';
import type { Role } from './users.js';

export interface LoginView {
  id: number;
  userId: number;
  userName: string;
  role: Role;
  csrfToken: string;
  lastUsedAt: number;
}

interface LoginRow {
  id: number;
  user_id: number;
  csrf_token: string;
  last_used_at: number;
  name: string;
  role: Role;
}

/** A login ends a week after it was made, or after a day without use. */
export const LOGIN_MS = 7 * 86_400_000;
const IDLE_MS = 86_400_000;
const TOUCH_MS = 300_000;

/** Makes a login with a fresh token, which only the cookie holds; clears away those that are over. */
export async function createLogin(
  trx: Trx,
  wish: { userId: number; address: string },
  now: number,
): Promise<{ id: number; token: string; csrfToken: string }> {
  await trx('web_logins').where('expires_at', '<=', now).delete();
  const token = newToken();
  const csrfToken = newToken();
  const [id] = (await trx('web_logins').insert({
    token_hash: tokenHash(token),
    user_id: wish.userId,
    csrf_token: csrfToken,
    address: wish.address,
    created_at: now,
    last_used_at: now,
    expires_at: now + LOGIN_MS,
  })) as number[];
  if (id === undefined) throw new Error('the database gave a new login no id');
  return { id, token, csrfToken };
}

/** The login of that cookie; null where it is unknown, over, idle for a day, or its user is disabled. */
export async function loginByToken(db: Queryable, token: string, now: number): Promise<LoginView | null> {
  const row = await liveLogins(db, now).where('l.token_hash', tokenHash(token)).first<LoginRow | undefined>();
  if (row === undefined) return null;
  return {
    id: row.id,
    userId: row.user_id,
    userName: row.name,
    role: row.role,
    csrfToken: row.csrf_token,
    lastUsedAt: row.last_used_at,
  };
}

/** Notes that the login is in use, at most once in five minutes. */
export async function touchLogin(db: Queryable, login: LoginView, now: number): Promise<void> {
  if (now - login.lastUsedAt < TOUCH_MS) return;
  await db('web_logins').where({ id: login.id }).update({ last_used_at: now });
}

/** One's own login, as the account page lists it. */
export interface OwnLogin {
  id: number;
  address: string | null;
  createdAt: number;
  lastUsedAt: number;
}

/** The user's logins that are alive, the one used last first. */
export async function listLogins(db: Queryable, userId: number, now: number): Promise<OwnLogin[]> {
  const rows = (await liveLogins(db, now)
    .where('l.user_id', userId)
    .orderBy([
      { column: 'l.last_used_at', order: 'desc' },
      { column: 'l.id', order: 'desc' },
    ])
    .select('l.address', 'l.created_at')) as (LoginRow & { address: string | null; created_at: number })[];
  return rows.map(({ id, address, created_at: createdAt, last_used_at: lastUsedAt }) => ({
    id,
    address,
    createdAt,
    lastUsedAt,
  }));
}

/** Ends a login of that user; false where the user has none of that id. */
export async function endLoginOf(trx: Trx, userId: number, id: number): Promise<boolean> {
  return (await trx('web_logins').where({ id, user_id: userId }).delete()) === 1;
}

/** Ends a login; its cookie opens nothing any more. */
export async function endLogin(trx: Trx, id: number): Promise<void> {
  await trx('web_logins').where({ id }).delete();
}

function liveLogins(db: Queryable, now: number) {
  return db('web_logins as l')
    .join('users as u', 'u.id', 'l.user_id')
    .whereNull('u.disabled_at')
    .where('l.expires_at', '>', now)
    .where('l.last_used_at', '>', now - IDLE_MS)
    .select('l.id', 'l.user_id', 'l.csrf_token', 'l.last_used_at', 'u.name', 'u.role');
}
