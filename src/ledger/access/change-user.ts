import type { Trx } from '../database.js';
import { AccessError } from './access-error.js';
import { userOf, type Role, type UserRow, type UserView } from './users.js';

/** What an admin may change of a user; what is left out stays. */
export interface UserChange {
  role?: Role;
  isDisabled?: boolean;
}

/**
 * Changes a user's role, or closes or opens the account, whose logins end when it closes. Yields the user before and after.
 * Throws AccessError for an unknown one, and where no admin would be left who can log in.
 */
export async function changeUser(
  trx: Trx,
  id: number,
  change: UserChange,
  now: number,
): Promise<{ before: UserView; after: UserView }> {
  // All admins are locked first, in one order: of two who demote each other at once the second sees the first's change.
  const admins = (await trx('users')
    .where({ role: 'admin' })
    .whereNull('disabled_at')
    .orderBy('id')
    .forUpdate()) as UserRow[];
  const row = (await trx('users').where({ id }).first()) as UserRow | undefined;
  if (row === undefined) throw new AccessError('There is no such user any more.');
  const before = userOf(row);
  const after = changed(before, change, now);
  const isAdminAfter = after.role === 'admin' && after.disabledAt === null;
  if (!isAdminAfter && admins.length === 1 && admins[0]?.id === id) {
    throw new AccessError(`"${before.name}" is the last admin who can log in: make another one first.`);
  }
  await trx('users').where({ id }).update({ role: after.role, disabled_at: after.disabledAt });
  if (after.disabledAt !== null) await trx('web_logins').where({ user_id: id }).delete();
  return { before, after };
}

function changed(user: UserView, { role, isDisabled }: UserChange, now: number): UserView {
  const disabledAt = isDisabled === undefined ? user.disabledAt : isDisabled ? (user.disabledAt ?? now) : null;
  return { ...user, role: role ?? user.role, disabledAt };
}
