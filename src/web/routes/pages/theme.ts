import type { Context } from 'koa';
import { formOf } from '../../body.js';
import { WebError } from '../../errors.js';
import { backPath } from './flash.js';

const YEAR_MS = 31_536_000_000;

/** POST /theme: keeps `light` or `dark` in a cookie for a year; `system` forgets it. Leads back. */
export function chooseTheme(ctx: Context): void {
  const theme = formOf(ctx).get('theme') ?? '';
  if (!['light', 'dark', 'system'].includes(theme)) throw new WebError(422, 'theme must be light, dark or system.');
  const options = { httpOnly: true, sameSite: 'lax', secure: ctx.secure } as const;
  if (theme === 'system') ctx.cookies.set('theme', null, options);
  else ctx.cookies.set('theme', theme, { ...options, maxAge: YEAR_MS });
  ctx.status = 303;
  ctx.redirect(backPath(formOf(ctx).get('back')));
}
