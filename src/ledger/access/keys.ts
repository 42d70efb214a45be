import type { Queryable, Trx } from '../database.js';
import { AccessError } from './access-error.js';
import { newToken, tokenHash } from './token.js';

/** What a key may be for (wire-contract.md, "Auth"). */
export const SCOPES = ['ingest', 'read', 'admin', 'enrol'] as const;
export type Scope = (typeof SCOPES)[number];

export interface KeyView {
  id: number;
  name: string;
  scope: Scope;
  /** Wire name of the only node that it may report for; null: any. */
  node: string | null;
  createdAt: number;
  lastUsedAt: number | null;
  expiresAt: number | null;
  revokedAt: number | null;
}

interface KeyRow {
  id: number;
  name: string;
  scope: Scope;
  node: string | null;
  created_at: number;
  last_used_at: number | null;
  expires_at: number | null;
  revoked_at: number | null;
}

/** An enrol key lives one hour (wire-contract.md, "Auth"). */
const ENROL_MS = 3_600_000;

/** A use is written down at most once in this time, so that busy scripts cost no writes. */
const TOUCH_MS = 60_000;

/** Makes a key; the key itself, 43 characters of A-Z a-z 0-9 _ -, is told this once and stored as its SHA-256. */
export async function createKey(
  trx: Trx,
  wish: { name: string; scope: Scope; node?: string | null | undefined; expiresAt?: number | null | undefined },
  now: number,
): Promise<{ id: number; key: string }> {
  const name = wish.name.trim();
  if (name === '' || name.length > 255) throw new AccessError('The name of a key must be 1 to 255 characters.');
  const node = wish.node?.trim() ?? '';
  if (node.length > 255) throw new AccessError('The name of a node has at most 255 characters.');
  const expiresAt = wish.expiresAt ?? (wish.scope === 'enrol' ? now + ENROL_MS : null);
  if (expiresAt !== null && expiresAt <= now)
    throw new AccessError('The key would have expired already: choose a later time.');
  const key = newToken();
  const [id] = (await trx('api_keys').insert({
    name,
    scope: wish.scope,
    node: node === '' ? null : node,
    key_hash: tokenHash(key),
    created_at: now,
    last_used_at: null,
    expires_at: expiresAt,
    revoked_at: null,
  })) as number[];
  if (id === undefined) throw new Error('the database gave a new key no id');
  return { id, key };
}

/** The keys that are not revoked, oldest first; with `includeRevoked` all. */
export async function listKeys(db: Queryable, options: { includeRevoked?: boolean } = {}): Promise<KeyView[]> {
  const query = db('api_keys').orderBy('id');
  if (options.includeRevoked !== true) void query.whereNull('revoked_at');
  return ((await query) as KeyRow[]).map(keyOf);
}

/** The key of that id, also a revoked one; null where there is none. */
export async function keyById(db: Queryable, id: number): Promise<KeyView | null> {
  const row = (await db('api_keys').where({ id }).first()) as KeyRow | undefined;
  return row === undefined ? null : keyOf(row);
}

/** Closes a key for ever; false where there is no such key or it was closed before. */
export async function revokeKey(trx: Trx, id: number, now: number): Promise<boolean> {
  return (await trx('api_keys').where({ id }).whereNull('revoked_at').update({ revoked_at: now })) === 1;
}

/** The key that this token opens; null for an unknown, revoked or expired one. */
export async function keyByToken(db: Queryable, token: string, now: number): Promise<KeyView | null> {
  const row = (await db('api_keys')
    .where({ key_hash: tokenHash(token) })
    .first()) as KeyRow | undefined;
  if (row === undefined || row.revoked_at !== null) return null;
  return row.expires_at !== null && row.expires_at <= now ? null : keyOf(row);
}

/** Notes that the key was used, at most once a minute. */
export async function touchKey(db: Queryable, key: KeyView, now: number): Promise<void> {
  if (key.lastUsedAt !== null && now - key.lastUsedAt < TOUCH_MS) return;
  await db('api_keys').where({ id: key.id }).update({ last_used_at: now });
}

function keyOf(row: KeyRow): KeyView {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    node: row.node,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  };
}
