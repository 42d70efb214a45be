import type { Queryable, Trx } from '../database.js';
import { AccessError } from './access-error.js';
import { hashPassword, isPassword } from './password.js';

export type Role = 'admin' | 'viewer';

export interface UserView {
  id: number;
  /** Lower case. */
  name: string;
  role: Role;
  createdAt: number;
  disabledAt: number | null;
}

export interface UserRow {
  id: number;
  name: string;
  password_hash: string;
  role: Role;
  created_at: number;
  disabled_at: number | null;
}

export const PASSWORD_MIN_LENGTH = 10;
const PASSWORD_MAX_LENGTH = 1024;

/** Adds a user; throws AccessError where the name or the password will not do, or the name is taken. */
export async function addUser(
  trx: Trx,
  wish: { name: string; password: string; role: Role },
  now: number,
): Promise<{ id: number; name: string }> {
  const name = userNameOf(wish.name);
  if (!isUserName(name)) {
    throw new AccessError(
      'The user name must be 1 to 64 letters, digits, dots, dashes or @, and begin with a letter or digit.',
    );
  }
  checkPassword(wish.password);
  if ((await trx('users').where({ name }).first('id')) !== undefined) {
    throw new AccessError(
      `There is a user "${name}" already: choose another name, or change the password of that one.`,
    );
  }
  const [id] = (await trx('users').insert({
    name,
    password_hash: await hashPassword(wish.password),
    role: wish.role,
    created_at: now,
    disabled_at: null,
  })) as number[];
  if (id === undefined) throw new Error('the database gave a new user no id');
  return { id, name };
}

/** Changes the user's password and ends all their logins; throws AccessError for an unknown user or a short password. */
export async function setPassword(trx: Trx, name: string, password: string): Promise<void> {
  checkPassword(password);
  const user = (await trx('users')
    .where({ name: userNameOf(name) })
    .first()) as UserRow | undefined;
  if (user === undefined) throw new AccessError(`There is no user "${userNameOf(name)}": see "user list".`);
  await trx('users')
    .where({ id: user.id })
    .update({ password_hash: await hashPassword(password) });
  await trx('web_logins').where({ user_id: user.id }).delete();
}

/** All users by name. */
export async function listUsers(db: Queryable): Promise<UserView[]> {
  return ((await db('users').orderBy('name')) as UserRow[]).map(userOf);
}

/** The user of that id; null where there is none. */
export async function userById(db: Queryable, id: number): Promise<UserView | null> {
  const row = (await db('users').where({ id }).first()) as UserRow | undefined;
  return row === undefined ? null : userOf(row);
}

/** How many users there are, also those disabled. */
export async function countUsers(db: Queryable): Promise<number> {
  const row = (await db('users').count('* as count').first()) as { count: number | string };
  return Number(row.count);
}

/** The user whose password this is; null, after the same time, for a wrong one, an unknown name and a disabled user. */
export async function verifyPassword(db: Queryable, name: string, password: string): Promise<UserView | null> {
  const row = (await db('users')
    .where({ name: userNameOf(name) })
    .first()) as UserRow | undefined;
  const isRight = await isPassword(password.slice(0, PASSWORD_MAX_LENGTH), row?.password_hash ?? null);
  return row !== undefined && isRight && row.disabled_at === null ? userOf(row) : null;
}

/** True for what may be the stored name of a user. */
export function isUserName(name: string): boolean {
  return /^[a-z0-9][a-z0-9._@-]{0,63}$/.test(name);
}

/** The name as it is stored. */
export function userNameOf(typed: string): string {
  return typed.trim().toLowerCase();
}

function checkPassword(password: string): void {
  if (password.length < PASSWORD_MIN_LENGTH) {
    throw new AccessError(`The password is too short: take at least ${PASSWORD_MIN_LENGTH} characters.`);
  }
  if (password.length > PASSWORD_MAX_LENGTH) {
    throw new AccessError(`The password is too long: take at most ${PASSWORD_MAX_LENGTH} characters.`);
  }
}

/** The row as the rest of the house knows it: without the hash. */
export function userOf(row: UserRow): UserView {
  return { id: row.id, name: row.name, role: row.role, createdAt: row.created_at, disabledAt: row.disabled_at };
}
