import compress from 'koa-compress';
import type { Middleware } from 'koa';

const THRESHOLD_BYTES = 1024;

/** Compresses what is worth it. Whoever takes neither what we can do nor plain text gets plain text (RFC 9110, 12.5.3). */
export function compression(): Middleware {
  const compressed = compress({ threshold: THRESHOLD_BYTES });
  return (ctx, next) => {
    const isPlainRefused = /(\*|identity)\s*;\s*q=0(\.0*)?\s*(,|$)/i.test(ctx.get('Accept-Encoding'));
    if (isPlainRefused) ctx.compress = false;
    return compressed(ctx, next);
  };
}
