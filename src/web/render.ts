import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import type { Context } from 'koa';
import { packageRoot } from '../package-root.js';
import { bareChrome, type Chrome } from './present/pages-chrome.js';

/** A page's own values beside the chrome (header, title, footer) that every page has. */
export type PageModel = Record<string, unknown>;

export interface Views {
  /** The whole HTML document of views/pages/<view>.hbs. Throws on a value that the view names and the model lacks. */
  render(view: string, chrome: Chrome, model: PageModel): string;
  has(view: string): boolean;
}

/**
 * Reads and compiles every view below the folder once: a broken one fails the start, not a request. Everything is escaped;
 * a field that a view names and the model lacks is an error.
 */
export function compileViews(folder: string): Views {
  const engine = Handlebars.create();
  const options: CompileOptions = {
    strict: true,
    explicitPartialContext: false,
    knownHelpersOnly: true,
    preventIndent: true,
  };
  for (const [name, text] of sources(join(folder, 'partials')))
    engine.registerPartial(name, engine.compile(text, options));
  engine.registerPartial('layout', engine.compile(readFileSync(join(folder, 'layout.hbs'), 'utf8'), options));
  const pages = new Map<string, HandlebarsTemplateDelegate>();
  for (const [name, text] of sources(join(folder, 'pages'))) pages.set(name, engine.compile(text, options));
  return {
    has: (view) => pages.has(view),
    render(view, chrome, model) {
      const page = pages.get(view);
      if (page === undefined) throw new Error(`there is no view ${view} in views/pages`);
      return page({ ...model, chrome });
    },
  };
}

function sources(folder: string): [string, string][] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.hbs'))
    .map((file) => [file.slice(0, -'.hbs'.length), readFileSync(join(folder, file), 'utf8')]);
}

/** The product's own views. */
export const views: Views = compileViews(join(packageRoot, 'views'));

/** Changes whenever the style sheet or the script does, so that both may be cached for long. */
export const assetVersion: string = ['app.css', 'app.js', 'favicon.svg']
  .reduce((hash, file) => hash.update(readFileSync(join(packageRoot, 'public', file))), createHash('sha256'))
  .digest('hex')
  .slice(0, 12);

/** Answers with a page; the status stays as the route set it, 200 where it set none. */
export function sendPage(ctx: Context, view: string, chrome: Chrome, model: PageModel): void {
  const status = ctx.status === 404 ? 200 : ctx.status;
  ctx.body = views.render(view, chrome, model);
  ctx.status = status;
  ctx.type = 'text/html; charset=utf-8';
  ctx.set('Cache-Control', 'no-store');
}

/** Answers with the HTML page of an error: what happened in one sentence, and the way back. Asks no database. */
export function renderError(ctx: Context, status: number, sentence: string): void {
  const chrome = bareChrome(ctx, errorTitle(status), assetVersion);
  ctx.status = status;
  ctx.body = views.render('error', chrome, { status: String(status), heading: errorTitle(status), sentence });
  ctx.type = 'text/html; charset=utf-8';
  ctx.set('Cache-Control', 'no-store');
}

function errorTitle(status: number): string {
  const titles: Record<number, string> = {
    400: 'This request cannot be read',
    401: 'Please log in',
    403: 'Not allowed',
    404: 'Nothing here',
    405: 'Not possible here',
    413: 'Too much at once',
    422: 'A value does not fit',
    429: 'Too many attempts',
    503: 'The database does not answer',
  };
  return titles[status] ?? 'Something went wrong';
}
