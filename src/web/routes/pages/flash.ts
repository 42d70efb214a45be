import type { Context } from 'koa';
import type { Flash } from '../../present/pages-chrome.js';

const COOKIE = 'tracker_flash';
const MAX_LENGTH = 500;

/** Keeps a sentence for the next page that this visitor opens: it survives the redirect and is shown once. */
export function setFlash(ctx: Context, flash: Flash): void {
  const text = flash.text.length > MAX_LENGTH ? `${flash.text.slice(0, MAX_LENGTH - 1)}…` : flash.text;
  const value = Buffer.from(JSON.stringify({ tone: flash.tone, text })).toString('base64url');
  ctx.cookies.set(COOKIE, value, { httpOnly: true, sameSite: 'lax', secure: ctx.secure, maxAge: 60_000 });
}

/** The sentence that is kept, if any, and forgets it. What is no flash of ours counts as none. */
export function takeFlash(ctx: Context): Flash | null {
  const value = ctx.cookies.get(COOKIE);
  if (value === undefined || value === '') return null;
  ctx.cookies.set(COOKIE, null, { httpOnly: true, sameSite: 'lax', secure: ctx.secure });
  try {
    const flash = JSON.parse(Buffer.from(value, 'base64url').toString('utf8')) as Partial<Flash> | null;
    const tone = flash?.tone;
    if (typeof flash?.text !== 'string' || (tone !== 'good' && tone !== 'warn' && tone !== 'fault')) return null;
    return { tone, text: flash.text.slice(0, MAX_LENGTH) };
  } catch {
    return null;
  }
}

/** Where a form leads back to: a path of this site, else the overview. Another host's address is never followed. */
export function backPath(given: string | null): string {
  const here = 'http://here.invalid';
  if (given === null || !given.startsWith('/') || !URL.canParse(given, here)) return '/';
  const url = new URL(given, here);
  return url.origin === here ? `${url.pathname}${url.search}` : '/';
}
