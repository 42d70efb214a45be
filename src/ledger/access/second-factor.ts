import { randomBytes } from 'node:crypto';
import type { SecretBox } from '../../secrets.js';
import type { Queryable, Trx } from '../database.js';
import { AccessError } from './access-error.js';
import { tokenHash } from './token.js';
import { base32Of, stepOfCode } from './totp.js';

interface FactorRow {
  user_id: number;
  /** The secret in base64, sealed. */
  sealed_secret: string;
  last_step: number | null;
  created_at: number;
  confirmed_at: number | null;
}

/** How far a user is with the second factor; `secret`, in base32, is shown only until the first code confirms it. */
export type FactorState =
  { kind: 'off' } | { kind: 'begun'; secret: string } | { kind: 'on'; confirmedAt: number; recoveryCodesLeft: number };

/** How long a secret waits for its first code: whoever sees it later must not be able to confirm it. */
const UNCONFIRMED_MS = 15 * 60_000;
const SECRET_BYTES = 20;
const RECOVERY_COUNT = 10;
const RECOVERY_BYTES = 10;

/** Makes a new secret for the user's authenticator, which counts once it is confirmed. Throws AccessError where a factor is on. */
export async function beginFactor(trx: Trx, box: SecretBox, userId: number, now: number): Promise<void> {
  if ((await confirmedFactor(trx, userId)) !== null)
    throw new AccessError('The second factor is on already: turn it off before you set up another one.');
  const sealed = box.seal(randomBytes(SECRET_BYTES).toString('base64'), contextOf(userId));
  await trx('second_factors').where({ user_id: userId }).delete();
  await trx('second_factors').insert({
    user_id: userId,
    sealed_secret: sealed,
    last_step: null,
    created_at: now,
    confirmed_at: null,
  });
}

/** Turns the factor on by the first code of the authenticator; yields ten recovery codes, which are told this once. Throws AccessError for a wrong code. */
export async function confirmFactor(
  trx: Trx,
  box: SecretBox,
  userId: number,
  code: string,
  now: number,
): Promise<string[]> {
  const row = await factorOf(trx, userId);
  if (row === null || row.confirmed_at !== null || isExpired(row, now))
    throw new AccessError('Nothing is to be confirmed: begin anew.');
  const step = stepOfCode(secretOf(box, row), digitsOf(code), now);
  if (step === null)
    throw new AccessError(
      'That is not the code of this moment: compare the clock of your device, and try the next one.',
    );
  await trx('second_factors').where({ user_id: userId }).update({ confirmed_at: now, last_step: step });
  await trx('recovery_codes').where({ user_id: userId }).delete();
  const codes = Array.from({ length: RECOVERY_COUNT }, newRecoveryCode);
  for (const each of codes) {
    await trx('recovery_codes').insert({ user_id: userId, code_hash: recoveryHash(each), used_at: null });
  }
  return codes;
}

/** Takes the factor and its recovery codes away; false where there was none that was on. */
export async function removeFactor(trx: Trx, userId: number): Promise<boolean> {
  const isOn = (await confirmedFactor(trx, userId)) !== null;
  await trx('second_factors').where({ user_id: userId }).delete();
  await trx('recovery_codes').where({ user_id: userId }).delete();
  return isOn;
}

/** How far the user is. */
export async function factorState(db: Queryable, box: SecretBox, userId: number, now: number): Promise<FactorState> {
  const row = await factorOf(db, userId);
  if (row === null || isExpired(row, now)) return { kind: 'off' };
  if (row.confirmed_at === null) return { kind: 'begun', secret: base32Of(secretOf(box, row)) };
  const left = (await db('recovery_codes')
    .where({ user_id: userId })
    .whereNull('used_at')
    .count('* as count')
    .first()) as { count: number | string };
  return { kind: 'on', confirmedAt: row.confirmed_at, recoveryCodesLeft: Number(left.count) };
}

/** The users whose second factor is on. */
export async function usersWithFactor(db: Queryable): Promise<Set<number>> {
  const rows = (await db('second_factors').whereNotNull('confirmed_at').select('user_id')) as FactorRow[];
  return new Set(rows.map((row) => row.user_id));
}

/**
 * Judges and spends what was typed as the second factor: `none` where the user has none, `code` or `recovery` for what was
 * right, null for what is wrong or was used before. A recovery code needs no secret key.
 */
export async function spendCode(
  trx: Trx,
  box: SecretBox,
  userId: number,
  typed: string,
  now: number,
): Promise<'none' | 'code' | 'recovery' | null> {
  const row = await confirmedFactor(trx, userId);
  if (row === null) return 'none';
  const digits = digitsOf(typed);
  if (!/^\d{6}$/.test(digits)) return (await spendRecoveryCode(trx, userId, typed, now)) ? 'recovery' : null;
  const step = stepOfCode(secretOf(box, row), digits, now);
  if (step === null) return null;
  // Of two logins with one code at once the second changes no row.
  const changed = await trx('second_factors')
    .where({ user_id: userId })
    .where((query) => void query.whereNull('last_step').orWhere('last_step', '<', step))
    .update({ last_step: step });
  return changed === 1 ? 'code' : null;
}

async function spendRecoveryCode(trx: Trx, userId: number, typed: string, now: number): Promise<boolean> {
  const which = { user_id: userId, code_hash: recoveryHash(typed) };
  return (await trx('recovery_codes').where(which).whereNull('used_at').update({ used_at: now })) === 1;
}

function isExpired(row: FactorRow, now: number): boolean {
  return row.confirmed_at === null && now - row.created_at >= UNCONFIRMED_MS;
}

async function confirmedFactor(db: Queryable, userId: number): Promise<FactorRow | null> {
  const row = await factorOf(db, userId);
  return row === null || row.confirmed_at === null ? null : row;
}

async function factorOf(db: Queryable, userId: number): Promise<FactorRow | null> {
  return ((await db('second_factors').where({ user_id: userId }).first()) as FactorRow | undefined) ?? null;
}

function secretOf(box: SecretBox, row: FactorRow): Buffer {
  return Buffer.from(box.open(row.sealed_secret, contextOf(row.user_id)), 'base64');
}

function contextOf(userId: number): string {
  return `second_factors.sealed_secret of user ${userId}`;
}

/** People type blanks where their device shows them. */
function digitsOf(typed: string): string {
  return typed.replace(/\s/g, '');
}

/** 80 random bits as `abcd-efgh-ijkl-mnop`: too many to be found from their hash. */
function newRecoveryCode(): string {
  return (base32Of(randomBytes(RECOVERY_BYTES)).toLowerCase().match(/.{4}/g) ?? []).join('-');
}

function recoveryHash(typed: string): string {
  return tokenHash(typed.toLowerCase().replace(/[^a-z2-7]/g, ''));
}
