import type { Context } from 'koa';
import { AccessError, endLoginOf, factorState, listLogins, setPassword } from '../../../../ledger/access.js';
import { identityOf, type Identity } from '../../../authenticate.js';
import { formOf } from '../../../body.js';
import { WebError } from '../../../errors.js';
import { judgePassword } from '../../../judge-login.js';
import { logIn } from '../../../login.js';
import type { WebParts } from '../../../parts.js';
import { factorFigure, loginRow } from '../../../present/pages-settings.js';
import { audited, leadBack, showSettings } from './frame.js';

const PAGE = '/account';

/** GET /account: one's own password and logins. */
export async function accountPage(ctx: Context, parts: WebParts): Promise<void> {
  await showAccount(ctx, parts, {});
}

/** POST /account/password: `current` is judged as a login is; all other logins end, and this one gets a new token. */
export async function changePassword(ctx: Context, parts: WebParts): Promise<void> {
  const me = userOf(ctx);
  const form = formOf(ctx);
  const refuse = (status: number, passwordProblem: string): Promise<void> => {
    ctx.status = status;
    return showAccount(ctx, parts, { passwordProblem });
  };
  const password = form.get('password') ?? '';
  if (password !== form.get('repeat')) return refuse(422, 'The two new passwords differ: type the same one twice.');
  const judgement = await judgePassword(ctx, parts, { name: me.name, password: form.get('current') ?? '', code: null });
  if (!judgement.ok) return refuse(judgement.status, wrongOr(judgement));
  try {
    await audited(ctx, parts, async (trx) => {
      await setPassword(trx, me.name, password);
      return { made: null, told: { action: 'user.passwd', subject: me.name } };
    });
  } catch (error) {
    if (error instanceof AccessError) return refuse(422, error.message);
    throw error;
  }
  await logIn(ctx, parts, { userId: me.userId, name: me.name });
  return leadBack(ctx, PAGE, Promise.resolve('Your password is changed, and your other logins are ended.'));
}

/** POST /account/logins/{id}/end: one of one's own. */
export async function endOneLogin(ctx: Context, parts: WebParts, id: number): Promise<void> {
  const me = userOf(ctx);
  const work = audited(ctx, parts, async (trx) => {
    if (!(await endLoginOf(trx, me.userId, id))) throw new AccessError('That login had ended already.');
    return { made: null, told: { action: 'login.end', subject: me.name, before: { id } } };
  });
  await leadBack(
    ctx,
    PAGE,
    work.then(() => 'That login is ended.'),
  );
}

/** What a form of the page came to. */
export interface AccountOutcome {
  passwordProblem?: string;
  factorProblem?: string;
  /** Just made, to be shown this once. */
  recoveryCodes?: string[] | null;
}

/** The page with what one of its forms came to. */
export async function showAccount(ctx: Context, parts: WebParts, outcome: AccountOutcome): Promise<void> {
  const me = userOf(ctx);
  const asOf = parts.clock.now();
  const zone = parts.config.billing.timeZone;
  const logins = await listLogins(parts.db.reader, me.userId, asOf);
  const factor = await factorState(parts.db.reader, parts.secrets, me.userId, asOf);
  await showSettings(ctx, parts, 'account', {
    passwordProblem: outcome.passwordProblem ?? '',
    factorProblem: outcome.factorProblem ?? '',
    recoveryCodes: outcome.recoveryCodes?.join('\n') ?? '',
    name: me.name,
    factor: factorFigure(factor, me.name, zone, asOf),
    logins: logins.map((login) => loginRow(login, me.loginId, zone, asOf)),
  });
}

/** The sentence for a wrong password of somebody who is logged in. */
export function wrongOr(refused: { status: number; sentence: string }): string {
  return refused.status === 401 ? 'Your current password is another one.' : refused.sentence;
}

/** Whose account it is; a key has none. */
export function userOf(ctx: Context): Identity & { kind: 'user' } {
  const identity = identityOf(ctx);
  if (identity.kind !== 'user') throw new WebError(403, 'A key has no account: log in as a user.');
  return identity;
}
