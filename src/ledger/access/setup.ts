import type { Queryable, Trx } from '../database.js';
import { newToken, tokenHash } from './token.js';

const SETTING = 'setup_link';
const SETUP_MS = 86_400_000;

/** Makes the one-time link for the first user, good for a day; an earlier one opens nothing any more. */
export async function createSetupLink(trx: Trx, now: number): Promise<string> {
  const token = newToken();
  await trx('settings').where({ name: SETTING }).delete();
  await trx('settings').insert({
    name: SETTING,
    value: JSON.stringify({ hash: tokenHash(token), expiresAt: now + SETUP_MS }),
  });
  return token;
}

/** True while this token opens the set-up page. */
export async function isSetupLink(db: Queryable, token: string, now: number): Promise<boolean> {
  const row = (await db('settings').where({ name: SETTING }).first('value')) as { value: string } | undefined;
  if (row === undefined) return false;
  const link = JSON.parse(row.value) as { hash: string; expiresAt: number };
  return link.hash === tokenHash(token) && link.expiresAt > now;
}

/** Spends the link; false where it was no good or somebody spent it before. */
export async function useSetupLink(trx: Trx, token: string, now: number): Promise<boolean> {
  if (!(await isSetupLink(trx, token, now))) return false;
  return (await trx('settings').where({ name: SETTING }).delete()) === 1;
}
