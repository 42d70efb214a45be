import type { Context } from 'koa';
import { dayNamed, type TimeRange } from '../../present/pages-calendar.js';
import { countText } from '../../present/pages-figures.js';
import { unprocessable } from '../../errors.js';

/** Rows on one page of a list. */
export const PER_PAGE = 50;

const MAX_TEXT = 255;

/** The query's value, trimmed; an empty one is none. Throws 422 where it is longer than a name may be. */
export function textOf(ctx: Context, name: string): string | undefined {
  const given = ctx.query[name];
  const text = (Array.isArray(given) ? given.at(-1) : given)?.trim();
  if (text === undefined || text === '') return undefined;
  if (text.length > MAX_TEXT)
    throw unprocessable([{ path: `/${name}`, message: `is longer than ${MAX_TEXT} characters` }]);
  return text;
}

/** A whole number from 1 up; throws 422 for anything else that is given. */
export function numberOf(ctx: Context, name: string): number | undefined {
  const text = textOf(ctx, name);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw unprocessable([{ path: `/${name}`, message: 'is no whole number from 1 up' }]);
  return Number(text);
}

/** One of the choices; throws 422 for another. */
export function choiceOf<T extends string>(ctx: Context, name: string, choices: readonly T[]): T | undefined {
  const text = textOf(ctx, name);
  if (text === undefined) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw unprocessable([{ path: `/${name}`, message: `must be one of ${choices.join(', ')}` }]);
  return found;
}

/** The day of the billing time zone that the query names; throws 422 for what is no day. */
export function dayOfQuery(ctx: Context, name: string, zone: string): TimeRange | undefined {
  const text = textOf(ctx, name);
  if (text === undefined) return undefined;
  const day = dayNamed(text, zone);
  if (day === null) throw unprocessable([{ path: `/${name}`, message: 'is no day: write 2026-11-03' }]);
  return day;
}

/** This page's address with some of its query changed; null takes a value out. */
export function withQuery(ctx: Context, changes: Record<string, string | null>): string {
  const query = new URLSearchParams(ctx.querystring);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    if (value !== null) query.set(name, value);
  }
  for (const [name, value] of [...query]) if (value === '') query.delete(name);
  const text = query.toString();
  return text === '' ? ctx.path : `${ctx.path}?${text}`;
}

export interface Pager {
  summary: string;
  /** Empty: there is none. */
  previous: string;
  next: string;
}

/** The foot of a list: which rows it shows, and the ways on. */
export function pagerOf(ctx: Context, list: { items: unknown[]; total: number; page: number; perPage: number }): Pager {
  const first = (list.page - 1) * list.perPage + 1;
  const last = first + list.items.length - 1;
  const isWhole = list.page === 1 && last >= list.total;
  const hasNext = last < list.total && list.items.length > 0;
  return {
    summary: isWhole
      ? `${countText(list.total)} in all`
      : `${countText(first)}–${countText(last)} of ${countText(list.total)}`,
    previous: list.page > 1 ? withQuery(ctx, { page: list.page === 2 ? null : String(list.page - 1) }) : '',
    next: hasNext ? withQuery(ctx, { page: String(list.page + 1) }) : '',
  };
}

export interface Select {
  name: string;
  label: string;
  options: { value: string; label: string; isChosen: boolean }[];
}

/** A drop-down of a filter; its first choice leaves everything. */
export function selectOf(
  name: string,
  label: string,
  all: string,
  choices: readonly { value: string; label: string }[],
  chosen: string | undefined,
): Select {
  const options = [{ value: '', label: all }, ...choices];
  return { name, label, options: options.map((option) => ({ ...option, isChosen: option.value === (chosen ?? '') })) };
}
