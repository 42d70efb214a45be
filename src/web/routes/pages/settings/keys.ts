import type { Context } from 'koa';
import {
  AccessError,
  createKey,
  keyById,
  listKeys,
  revokeKey,
  SCOPES,
  type KeyView,
} from '../../../../ledger/access.js';
import { formOf } from '../../../body.js';
import type { WebParts } from '../../../parts.js';
import { dayNamed } from '../../../present/pages-calendar.js';
import { keyRow } from '../../../present/pages-settings.js';
import { audited, leadBack, orProblem, showSettings } from './frame.js';

interface KeyForm {
  name: string;
  scope: string;
  node: string;
  expires: string;
}

const EMPTY: KeyForm = { name: '', scope: 'read', node: '', expires: '' };

/** GET /settings/keys: which keys there are, for what, and when each was used last. */
export async function keysPage(ctx: Context, parts: WebParts): Promise<void> {
  await show(ctx, parts, { form: EMPTY, problem: '', made: null });
}

/** POST /settings/keys: makes a key of the fields `name`, `scope`, `node`, `expires` (its last day) and shows it this once. */
export async function addKey(ctx: Context, parts: WebParts): Promise<void> {
  const given = formOf(ctx);
  const field = (name: string): string => (given.get(name) ?? '').slice(0, 300);
  const form = { name: field('name'), scope: field('scope'), node: field('node'), expires: field('expires') };
  const work = (async () => {
    const wish = wishOf(form, parts.config.billing.timeZone);
    return audited(ctx, parts, async (trx, now) => {
      const { id, key } = await createKey(trx, wish, now);
      const after = valuesOf(await keyById(trx, id));
      return { made: { name: wish.name, key }, told: { action: 'key.create', subject: wish.name, after } };
    });
  })();
  const { made, problem } = await orProblem(ctx, work);
  await show(ctx, parts, { form: problem === null ? EMPTY : form, problem: problem ?? '', made });
}

/** POST /settings/keys/{id}/revoke: it opens nothing from now on. */
export async function closeKey(ctx: Context, parts: WebParts, id: number): Promise<void> {
  const work = audited(ctx, parts, async (trx, now) => {
    const key = await keyById(trx, id);
    if (key === null || !(await revokeKey(trx, id, now))) throw new AccessError('There is no such open key any more.');
    return { made: key.name, told: { action: 'key.revoke', subject: key.name, before: valuesOf(key) } };
  });
  await leadBack(
    ctx,
    '/settings/keys',
    work.then((name) => `The key "${name}" opens nothing any more.`),
  );
}

function wishOf(form: KeyForm, zone: string) {
  const scope = SCOPES.find((each) => each === form.scope);
  if (scope === undefined) throw new AccessError(`The scope must be one of ${SCOPES.join(', ')}.`);
  const day = form.expires === '' ? null : dayNamed(form.expires, zone);
  if (day === null && form.expires !== '') throw new AccessError('The last day is no day: write 2027-01-31.');
  return { name: form.name.trim(), scope, node: form.node, expiresAt: day?.to ?? null };
}

/** What the audit log keeps of a key. */
function valuesOf(key: KeyView | null) {
  return key === null ? null : { id: key.id, scope: key.scope, node: key.node, expires_at: key.expiresAt };
}

async function show(
  ctx: Context,
  parts: WebParts,
  more: { form: KeyForm; problem: string; made: { name: string; key: string } | null },
): Promise<void> {
  const asOf = parts.clock.now();
  const zone = parts.config.billing.timeZone;
  const keys = await listKeys(parts.db.reader);
  await showSettings(ctx, parts, 'keys', {
    ...more,
    keys: keys.map((key) => keyRow(key, zone, asOf)),
    scopes: SCOPES.map((scope) => ({ scope, isChosen: scope === more.form.scope })),
    zone,
  });
}
