import type { Context } from 'koa';
import { AccessError, beginFactor, confirmFactor, removeFactor, userById } from '../../../../ledger/access.js';
import { formOf } from '../../../body.js';
import { judgePassword } from '../../../judge-login.js';
import type { WebParts } from '../../../parts.js';
import { showAccount, userOf, wrongOr } from './account.js';
import { audited, leadBack, orProblem, refuseOwn } from './frame.js';

const ACCOUNT = '/account#factor';

/** POST /account/factor: makes a secret, or a new one, which the account page then shows; needs the password. */
export async function beginOwnFactor(ctx: Context, parts: WebParts): Promise<void> {
  const me = userOf(ctx);
  if (!(await isPasswordGiven(ctx, parts))) return;
  const work = audited(ctx, parts, async (trx, now) => {
    await beginFactor(trx, parts.secrets, me.userId, now);
    return { made: null, told: { action: 'factor.begin', subject: me.name } };
  });
  await leadBack(
    ctx,
    ACCOUNT,
    work.then(() => 'Now show the code to your authenticator, and type what it says.'),
  );
}

/** POST /account/factor/confirm: `code` turns it on; the recovery codes are shown this once. */
export async function confirmOwnFactor(ctx: Context, parts: WebParts): Promise<void> {
  const me = userOf(ctx);
  const code = formOf(ctx).get('code') ?? '';
  const work = audited(ctx, parts, async (trx, now) => {
    const made = await confirmFactor(trx, parts.secrets, me.userId, code, now);
    return { made, told: { action: 'factor.on', subject: me.name, before: { is_on: false }, after: { is_on: true } } };
  });
  const { made, problem } = await orProblem(ctx, work);
  await showAccount(ctx, parts, { factorProblem: problem ?? '', recoveryCodes: made });
}

/** POST /account/factor/off: needs the password, which is judged as at a login. */
export async function endOwnFactor(ctx: Context, parts: WebParts): Promise<void> {
  const me = userOf(ctx);
  if (!(await isPasswordGiven(ctx, parts))) return;
  return leadBack(ctx, ACCOUNT, turnOff(ctx, parts, me.userId));
}

/** POST /settings/users/{id}/factor-off: for somebody else who lost it, by an admin. */
export async function endFactorOf(ctx: Context, parts: WebParts, id: number): Promise<void> {
  const work = (async () => {
    refuseOwn(ctx, id, 'second factor');
    return turnOff(ctx, parts, id);
  })();
  await leadBack(ctx, '/settings/users', work);
}

/** True where the form brings one's own password, judged as at a login; else the account page has said why not. */
async function isPasswordGiven(ctx: Context, parts: WebParts): Promise<boolean> {
  const given = { name: userOf(ctx).name, password: formOf(ctx).get('password') ?? '', code: null };
  const judgement = await judgePassword(ctx, parts, given);
  if (judgement.ok) return true;
  ctx.status = judgement.status;
  await showAccount(ctx, parts, { factorProblem: wrongOr(judgement) });
  return false;
}

async function turnOff(ctx: Context, parts: WebParts, userId: number): Promise<string> {
  const name = await audited(ctx, parts, async (trx) => {
    const user = await userById(trx, userId);
    if (user === null || !(await removeFactor(trx, userId))) throw new AccessError('No second factor was on.');
    const told = { action: 'factor.off', subject: user.name, before: { is_on: true }, after: { is_on: false } };
    return { made: user.name, told };
  });
  return `The second factor of "${name}" is off.`;
}
