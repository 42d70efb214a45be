import type { Context } from 'koa';
import { ConflictError } from '../../../../core/management.js';
import { AccessError, writeAudit, type AuditWish } from '../../../../ledger/access.js';
import { inTransaction, type Trx } from '../../../../ledger/database.js';
import { hasScope, identityOf } from '../../../authenticate.js';
import { speakerOf } from '../../../management.js';
import type { WebParts } from '../../../parts.js';
import { settingsNav, type SettingsPage } from '../../../present/pages-settings.js';
import type { PageModel } from '../../../render.js';
import { setFlash } from '../flash.js';
import { showPage } from '../frame.js';
import { leadTo } from '../login.js';

const titles: Record<SettingsPage, string> = {
  account: 'Account',
  users: 'Users',
  keys: 'API keys',
  entries: 'Node entries',
};

/** Answers with a page of the settings, within their navigation; `view` is one of its further pages. */
export async function showSettings(
  ctx: Context,
  parts: WebParts,
  page: SettingsPage,
  model: PageModel,
  view: string = page,
): Promise<void> {
  const isAdmin = hasScope(identityOf(ctx), 'admin');
  const options = { title: titles[page], section: 'settings' as const, asOf: parts.clock.now(), isRefreshing: false };
  await showPage(ctx, parts, view, options, { ...model, settings: settingsNav(page, isAdmin) });
}

/** Throws an AccessError for one's own id: a browser left open must not be enough to change what only the password may. */
export function refuseOwn(ctx: Context, userId: number, what: string): void {
  if (isOwn(ctx, userId))
    throw new AccessError(`That is your own ${what}: change it on the page Account (/account), by your password.`);
}

/** True where it is the user who asks. */
export function isOwn(ctx: Context, userId: number): boolean {
  const identity = identityOf(ctx);
  return identity.kind === 'user' && identity.userId === userId;
}

/** What a change did, for the audit log; nothing where it changed nothing. */
export type Told = Pick<AuditWish, 'action' | 'subject' | 'before' | 'after'>;

/** Makes a change and its line in the audit log, both or neither, and yields what `change` made. */
export async function audited<T>(
  ctx: Context,
  parts: WebParts,
  change: (trx: Trx, now: number) => Promise<{ made: T; told: Told }>,
): Promise<T> {
  return inTransaction(parts.db, async (trx) => {
    const now = parts.clock.now();
    const { made, told } = await change(trx, now);
    await writeAudit(trx, { at: now, ...speakerOf(ctx), ...told });
    return made;
  });
}

/** Yields what the work made, or the sentence of an AccessError in `problem`, with status 422. */
export async function orProblem<T>(
  ctx: Context,
  work: Promise<T>,
): Promise<{ made: T; problem: null } | { made: null; problem: string }> {
  try {
    return { made: await work, problem: null };
  } catch (error) {
    if (!(error instanceof AccessError)) throw error;
    ctx.status = 422;
    return { made: null, problem: error.message };
  }
}

/** Leads back to the page with the sentence of what was done, or with that of an AccessError or a ConflictError. */
export async function leadBack(
  ctx: Context,
  path: string,
  work: Promise<string>,
  tone: 'good' | 'warn' = 'good',
): Promise<void> {
  try {
    setFlash(ctx, { tone, text: await work });
  } catch (error) {
    if (!(error instanceof AccessError || error instanceof ConflictError)) throw error;
    setFlash(ctx, { tone: 'fault', text: `Nothing was changed. ${error.message}` });
  }
  leadTo(ctx, path);
}
