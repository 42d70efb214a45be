import type { Context } from 'koa';
import {
  AccessError,
  addUser,
  changeUser,
  listUsers,
  setPassword,
  userById,
  usersWithFactor,
  type Role,
  type UserChange,
} from '../../../../ledger/access.js';
import { formOf } from '../../../body.js';
import type { WebParts } from '../../../parts.js';
import { userRow } from '../../../present/pages-settings.js';
import { audited, isOwn, leadBack, orProblem, refuseOwn, showSettings } from './frame.js';

const PAGE = '/settings/users';

/** GET /settings/users: who may log in, and as what. */
export async function usersPage(ctx: Context, parts: WebParts): Promise<void> {
  await show(ctx, parts, { problem: '', name: '', role: 'viewer' });
}

/** POST /settings/users: makes a user of the fields `name`, `role`, `password`, or shows the form again. */
export async function addOneUser(ctx: Context, parts: WebParts): Promise<void> {
  const form = formOf(ctx);
  const name = form.get('name') ?? '';
  const role = form.get('role') ?? '';
  const work = (async () => {
    const wish = { name, password: form.get('password') ?? '', role: roleOf(role) };
    return audited(ctx, parts, async (trx, now) => {
      const made = await addUser(trx, wish, now);
      return { made, told: { action: 'user.add', subject: made.name, after: { role: wish.role } } };
    });
  })();
  const { made, problem } = await orProblem(ctx, work);
  if (problem !== null) return show(ctx, parts, { problem, name: name.slice(0, 255), role });
  return leadBack(ctx, PAGE, Promise.resolve(`"${made.name}" may log in now.`));
}

/** POST /settings/users/{id}/role. */
export async function setRole(ctx: Context, parts: WebParts, id: number): Promise<void> {
  const role = formOf(ctx).get('role') ?? '';
  await leadBack(
    ctx,
    PAGE,
    change(ctx, parts, id, () => ({ role: roleOf(role) }), 'user.role'),
  );
}

/** POST /settings/users/{id}/disable: nobody logs in by that name any more, and whoever did is logged out. */
export async function disableUser(ctx: Context, parts: WebParts, id: number): Promise<void> {
  await leadBack(
    ctx,
    PAGE,
    change(ctx, parts, id, () => ({ isDisabled: true }), 'user.disable'),
  );
}

/** POST /settings/users/{id}/enable. */
export async function enableUser(ctx: Context, parts: WebParts, id: number): Promise<void> {
  await leadBack(
    ctx,
    PAGE,
    change(ctx, parts, id, () => ({ isDisabled: false }), 'user.enable'),
  );
}

/** POST /settings/users/{id}/password: sets that of somebody else anew and ends the user's logins. */
export async function resetPassword(ctx: Context, parts: WebParts, id: number): Promise<void> {
  const password = formOf(ctx).get('password') ?? '';
  const work = audited(ctx, parts, async (trx) => {
    refuseOwn(ctx, id, 'password');
    const user = await userById(trx, id);
    if (user === null) throw new AccessError('There is no such user any more.');
    await setPassword(trx, user.name, password);
    return { made: user.name, told: { action: 'user.passwd', subject: user.name } };
  });
  await leadBack(
    ctx,
    PAGE,
    work.then((name) => `The password of "${name}" is changed; the logins of "${name}" are ended.`),
  );
}

async function change(
  ctx: Context,
  parts: WebParts,
  id: number,
  wish: () => UserChange,
  action: string,
): Promise<string> {
  const { name, role, disabledAt } = await audited(ctx, parts, async (trx, now) => {
    const { before, after } = await changeUser(trx, id, wish(), now);
    const values = (user: typeof before) => ({ role: user.role, is_disabled: user.disabledAt !== null });
    const told = { action, subject: after.name, before: values(before), after: values(after) };
    return { made: after, told };
  });
  return `"${name}" is ${disabledAt === null ? `${role === 'admin' ? 'an' : 'a'} ${role} who may log in` : 'disabled'}.`;
}

function roleOf(written: string): Role {
  if (written === 'admin' || written === 'viewer') return written;
  throw new AccessError('The role must be admin or viewer.');
}

async function show(
  ctx: Context,
  parts: WebParts,
  form: { problem: string; name: string; role: string },
): Promise<void> {
  const zone = parts.config.billing.timeZone;
  const users = await listUsers(parts.db.reader);
  const withFactor = await usersWithFactor(parts.db.reader);
  await showSettings(ctx, parts, 'users', {
    users: users.map((user) => {
      const about = { hasFactor: withFactor.has(user.id), isSelf: isOwn(ctx, user.id) };
      return userRow(user, about, zone, parts.clock.now());
    }),
    form: { ...form, isAdmin: form.role === 'admin' },
  });
}
