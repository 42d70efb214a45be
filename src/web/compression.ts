import compress from 'koa-compress';
import type { Middleware } from 'koa';

const THRESHOLD_BYTES = 1024;

/** Compresses what is worth it. Whoever takes neither what we can do nor plain text gets plain text (RFC 9110, 12.5.3). */
export function compression(): Middleware {
  const compressed = compress({ threshold: THRESHOLD_BYTES });
  return (ctx, next) => {
    // Asked for such an answer, the negotiation of koa-compress finds no coding at all, and fails.
    if (ctx.acceptsEncodings('br', 'gzip', 'deflate', 'identity') === false) ctx.compress = false;
    return compressed(ctx, next);
  };
}
