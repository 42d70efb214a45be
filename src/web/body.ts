import type { Context, Middleware } from 'koa';
import { isApi, WebError } from './errors.js';

const LIMIT_BYTES = 256 * 1024;
const SNAPSHOT_LIMIT_BYTES = 2 * 1024 * 1024;

/** So much of a body that is too large is still taken in and thrown away, so that its sender reads the answer. */
const DRAIN_BYTES = 16 * 1024 * 1024;

/** Reads the body of a write: JSON for the API, whatever its type is called, and a form else (wire-contract.md, limits). */
export function readBody(): Middleware {
  return async (ctx, next) => {
    if (!['GET', 'HEAD', 'OPTIONS'].includes(ctx.method)) {
      const text = decode(await bytesOf(ctx));
      if (isApi(ctx)) ctx.state['json'] = parseJson(text);
      else ctx.state['form'] = new URLSearchParams(text);
    }
    await next();
  };
}

/** The JSON that an API call sent; undefined for no body. */
export function jsonOf(ctx: Context): unknown {
  return ctx.state['json'];
}

/** The fields of the form that a page sent; empty for none. */
export function formOf(ctx: Context): URLSearchParams {
  return (ctx.state['form'] as URLSearchParams | undefined) ?? new URLSearchParams();
}

async function bytesOf(ctx: Context): Promise<Buffer> {
  const encoding = ctx.get('Content-Encoding').toLowerCase();
  if (encoding !== '' && encoding !== 'identity') {
    throw new WebError(415, `A body in ${encoding} is not read here: send it as it is.`);
  }
  const limit = /^\/api\/ingest\/vm-states\/?$/.test(ctx.path) ? SNAPSHOT_LIMIT_BYTES : LIMIT_BYTES;
  const announced = Number(ctx.get('Content-Length') || 0);
  if (announced > DRAIN_BYTES) throw tooLarge(ctx, limit);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of whole(ctx.req)) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else if (size > DRAIN_BYTES) throw tooLarge(ctx, limit);
  }
  if (size > limit) throw tooLarge(ctx, limit);
  return Buffer.concat(chunks);
}

/** The chunks of a body; one that breaks off is its sender's fault. */
async function* whole(request: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  try {
    yield* request;
  } catch {
    throw new WebError(400, 'The body broke off.');
  }
}

function tooLarge(ctx: Context, limit: number): WebError {
  const isEndless = !ctx.req.complete;
  const headers: Record<string, string> = isEndless ? { Connection: 'close' } : {};
  return new WebError(413, `The body is too large: at most ${limit / 1024} KiB are taken here.`, { headers });
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new WebError(400, 'The body is not UTF-8.');
  }
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new WebError(400, 'The body is not JSON.');
  }
}
