import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import { keyByToken, loginByToken, touchKey, touchLogin, type Role, type Scope } from '../ledger/access.js';
import { WebError } from './errors.js';
import type { WebParts } from './parts.js';
import { trustedAddresses } from './trusted-addresses.js';

/** Who asks. A key header wins over a cookie and both over the address; a wrong key is nobody, and stays refused whatever those say. */
export type Identity =
  | { kind: 'anonymous'; isKeyRefused: boolean }
  | { kind: 'key'; scopes: readonly Scope[]; node: string | null; name: string; keyId: number | null }
  | { kind: 'address'; address: string }
  | { kind: 'user'; userId: number; name: string; role: Role; csrfToken: string; loginId: number };

export const LOGIN_COOKIE = 'tracker_login';

const NOBODY: Identity = { kind: 'anonymous', isKeyRefused: false };
const REFUSED: Identity = { kind: 'anonymous', isKeyRefused: true };

/** Finds out who asks, by X-API-Key, Bearer, cookie or address (security.trusted_ips); judges nothing. */
export function authenticate(parts: WebParts): Middleware {
  const isTrusted = trustedAddresses(parts.config.security.trustedIps);
  return async (ctx, next) => {
    const key = keyOf(ctx);
    const named = key !== null ? await byKey(parts, key) : await byCookie(parts, ctx);
    ctx.state['identity'] = isNobody(named) && isAgentCall(ctx) && isTrusted(ctx.ip) ? byAddress(ctx) : named;
    await next();
  };
}

function isNobody(identity: Identity): boolean {
  return identity.kind === 'anonymous' && !identity.isKeyRefused;
}

/** What an agent without a key may ask for. A browser says where its page came from: no page may speak for the machine it is shown on. */
function isAgentCall(ctx: Context): boolean {
  const path = ctx.path.replace(/\/+$/, '');
  const isFromPage = ctx.get('Origin') !== '' || ctx.get('Sec-Fetch-Site') !== '';
  return path.startsWith('/api/ingest/') && path !== '/api/ingest/force-sync' && !isFromPage;
}

// The socket's address; with server.trust_proxy the one that the proxy names.
function byAddress(ctx: Context): Identity {
  return { kind: 'address', address: ctx.ip };
}

/** Who asks, as `authenticate` found out; anonymous before it. */
export function identityOf(ctx: Context): Identity {
  return (ctx.state['identity'] as Identity | undefined) ?? NOBODY;
}

/** What the log and the audit log call them. */
export function nameOf(identity: Identity): string {
  if (identity.kind === 'anonymous') return '-';
  if (identity.kind === 'address') return `address ${identity.address}`;
  return identity.kind === 'key' ? `key ${identity.name}` : identity.name;
}

/** True when the identity may do what the scope stands for: an admin may everything but be nobody. */
export function hasScope(identity: Identity, scope: Scope): boolean {
  const scopes = scopesOf(identity);
  return scopes.includes('admin') || scopes.includes(scope);
}

function scopesOf(identity: Identity): readonly Scope[] {
  if (identity.kind === 'anonymous') return [];
  if (identity.kind === 'key') return identity.scopes;
  if (identity.kind === 'address') return ['ingest'];
  return identity.role === 'admin' ? ['admin'] : ['read'];
}

/** Lets an API call through that has one of the scopes; 401 for nobody, 403 for too little (wire-contract.md, "Auth"). */
export function requireScope(...scopes: Scope[]): Middleware {
  return async (ctx, next) => {
    checkScope(ctx, scopes);
    await next();
  };
}

/** Throws 401 for nobody and 403 where none of the scopes is held. */
export function checkScope(ctx: Context, scopes: readonly Scope[]): void {
  const identity = identityOf(ctx);
  if (identity.kind === 'anonymous') throw unauthorized(identity);
  if (scopes.some((scope) => hasScope(identity, scope))) return;
  throw new WebError(403, `This needs the scope ${scopes.join(' or ')}: use a key or a login that has it.`);
}

/** Lets a page through for a login or a key with the scope; sends nobody to the login, and answers 403 for too little. */
export function requirePage(scope: Scope): Middleware {
  return async (ctx, next) => {
    const identity = identityOf(ctx);
    if (identity.kind === 'anonymous' && !identity.isKeyRefused) {
      ctx.status = 303;
      ctx.redirect('/login');
      ctx.set('Cache-Control', 'no-store');
      return;
    }
    if (identity.kind === 'anonymous') throw unauthorized(identity);
    if (!hasScope(identity, scope)) throw new WebError(403, `Your ${identity.kind} may not open this page.`);
    await next();
  };
}

function unauthorized(identity: Identity & { kind: 'anonymous' }): WebError {
  const sentence = identity.isKeyRefused
    ? 'The API key is not valid: it is unknown, revoked or expired.'
    : 'An API key is needed: send it as X-API-Key.';
  return new WebError(401, sentence, { headers: { 'WWW-Authenticate': 'Bearer' } });
}

function keyOf(ctx: Context): string | null {
  const header = ctx.get('X-API-Key').trim();
  if (header !== '') return header;
  const bearer = /^Bearer +(\S.*)$/i.exec(ctx.get('Authorization').trim());
  return bearer?.[1] ?? null;
}

async function byKey(parts: WebParts, key: string): Promise<Identity> {
  const { apiKey, apiKeyScopes, adminApiKey } = parts.config.security;
  // Both are compared each time, so that the time tells nothing.
  const isAdmin = isSame(key, adminApiKey);
  const isShared = isSame(key, apiKey);
  if (isAdmin) return { kind: 'key', scopes: ['admin'], node: null, name: 'security.admin_api_key', keyId: null };
  if (isShared) return { kind: 'key', scopes: apiKeyScopes, node: null, name: 'security.api_key', keyId: null };
  const now = parts.clock.now();
  const stored = await keyByToken(parts.db.reader, key, now);
  if (stored === null) return REFUSED;
  // Not waited for: a read must not wait until a poll has been written.
  touchKey(parts.db.writer, stored, now).catch((error: unknown) => {
    parts.log.debug('the use of a key was not noted', { key: stored.name, error: String(error) });
  });
  return { kind: 'key', scopes: [stored.scope], node: stored.node, name: stored.name, keyId: stored.id };
}

/** An empty key of the configuration opens nothing. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected)) && expected !== '';
}

async function byCookie(parts: WebParts, ctx: Context): Promise<Identity> {
  const token = ctx.cookies.get(LOGIN_COOKIE);
  if (token === undefined || token === '') return NOBODY;
  const now = parts.clock.now();
  const login = await loginByToken(parts.db.reader, token, now);
  if (login === null) return NOBODY;
  touchLogin(parts.db.writer, login, now).catch((error: unknown) => {
    parts.log.debug('the use of a login was not noted', { user: login.userName, error: String(error) });
  });
  const { id: loginId, userId, userName: name, role, csrfToken } = login;
  return { kind: 'user', userId, name, role, csrfToken, loginId };
}
