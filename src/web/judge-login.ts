import { createHash } from 'node:crypto';
import type { Context } from 'koa';
import {
  attemptsFrom,
  FAILURE_ACTION,
  isUserName,
  spendCode,
  userNameOf,
  verifyPassword,
  writeAudit,
  type UserView,
} from '../ledger/access.js';
import { inTransaction } from '../ledger/database.js';
import { AttemptsUnderway, lockedUntil, LOCK_MEMORY_MS, presumeFailed } from './lockout.js';
import type { WebParts } from './parts.js';

/** Who it is, or why nobody is believed to be that. */
export type Judgement = { ok: true; user: UserView } | { ok: false; status: 401 | 429; sentence: string };

/** One sentence whatever was wrong: whoever guesses passwords learns nothing. */
const WRONG = 'The user name, the password or the code is wrong.';
const underway = new AttemptsUnderway();

/**
 * Judges a name, a password and the code of the second factor, where the user has one, within the lock of wire-contract.md,
 * "Login": a failure counts towards it, wherever the password is asked. Without a `code` the password alone is judged, of
 * somebody who is logged in. On 429 Retry-After is set.
 */
export async function judgePassword(
  ctx: Context,
  parts: WebParts,
  given: { name: string; password: string; code: string | null },
): Promise<Judgement> {
  const name = userNameOf(given.name).slice(0, 255);
  const actor = actorOf(name);
  return underway.during(ctx.ip, actor, async (before) => {
    const now = parts.clock.now();
    const attempts = await attemptsFrom(parts.db.reader, ctx.ip, now - LOCK_MEMORY_MS);
    const until = lockedUntil(attempts, actor, now);
    if (until !== null) return locked(ctx, until - now);
    if (lockedUntil(presumeFailed(before, attempts, now), actor, now) !== null) return locked(ctx, 1000);
    const user = await verifyPassword(parts.db.reader, name, given.password);
    if (user !== null && (given.code === null || (await isCodeRight(ctx, parts, user, given.code))))
      return { ok: true, user };
    const failure = { at: parts.clock.now(), actor, address: ctx.ip, action: FAILURE_ACTION, subject: actor };
    await inTransaction(parts.db, (trx) => writeAudit(trx, failure));
    return { ok: false, status: 401, sentence: WRONG };
  });
}

/** A secret that cannot be opened proves nothing: the code counts as wrong, and a recovery code, which needs no key, still works. */
async function isCodeRight(ctx: Context, parts: WebParts, user: UserView, code: string): Promise<boolean> {
  try {
    return await isCodeSpent(ctx, parts, user, code);
  } catch (error) {
    // By its name, for the box of secrets is handed in.
    if (!(error instanceof Error) || error.name !== 'SecretKeyError') throw error;
    parts.log.error('the code of a second factor could not be judged', { user: user.name, error: error.message });
    return false;
  }
}

/** True where the code is right, and spends it, or where the user needs none. */
async function isCodeSpent(ctx: Context, parts: WebParts, user: UserView, code: string): Promise<boolean> {
  return inTransaction(parts.db, async (trx) => {
    const now = parts.clock.now();
    const kind = await spendCode(trx, parts.secrets, user.id, code, now);
    if (kind === 'recovery') {
      const entry = { at: now, actor: user.name, address: ctx.ip, action: 'factor.recovery', subject: user.name };
      await writeAudit(trx, entry);
    }
    return kind !== null;
  });
}

function locked(ctx: Context, forMs: number): Judgement {
  const seconds = Math.max(1, Math.ceil(forMs / 1000));
  ctx.set('Retry-After', String(seconds));
  const wait = seconds < 60 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return { ok: false, status: 429, sentence: `Too many failed logins from here: try again in ${wait}.` };
}

/** People type passwords into the field of the name: what cannot be a name is told apart, but not written down. */
function actorOf(name: string): string {
  if (isUserName(name)) return name;
  return `(no user name, ${createHash('sha256').update(name).digest('hex').slice(0, 8)})`;
}
