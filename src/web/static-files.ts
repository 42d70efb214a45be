import { readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { send } from '@koa/send';
import type { Middleware } from 'koa';

const YEAR_MS = 365 * 86_400_000;

/**
 * Answers for the files of a folder, which are listed once: no other path reaches the disk. With a version in the query
 * (`?v=`) a browser may keep a file for a year; without, it asks again each time.
 */
export function staticFiles(folder: string): Middleware {
  const files = new Set(pathsIn(folder));
  return async (ctx, next) => {
    const isRead = ctx.method === 'GET' || ctx.method === 'HEAD';
    if (!isRead || !files.has(ctx.path)) return next();
    const isVersioned = typeof ctx.query['v'] === 'string' && ctx.query['v'] !== '';
    await send(ctx, ctx.path, { root: folder, maxAge: isVersioned ? YEAR_MS : 0, immutable: isVersioned });
    // With a stream in hand, Koa closes the file when its body is taken away.
    if (ctx.fresh) {
      ctx.status = 304;
      ctx.body = null;
    }
    return undefined;
  };
}

function pathsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length).split(sep).join('/'));
}
