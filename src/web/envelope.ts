import { randomUUID } from 'node:crypto';
import type { Middleware } from 'koa';
import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import { identityOf, nameOf } from './authenticate.js';

const securityHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
};

/** The id that a proxy gave, where it is one that may stand in a log as it is; else a new one. */
function requestIdOf(given: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/.test(given) ? given : randomUUID();
}

/** Gives the request an id, its own or the one it came with, which the answer carries, and writes its line in the log when it is answered. */
export function requestLog(log: Log, clock: Clock): Middleware {
  return async (ctx, next) => {
    const startedMs = clock.monotonicMs();
    const id = requestIdOf(ctx.get('X-Request-Id'));
    ctx.state['requestId'] = id;
    ctx.set('X-Request-Id', id);
    try {
      await next();
    } finally {
      const fields = {
        id,
        method: ctx.method,
        path: loggedPath(ctx.path),
        status: ctx.status,
        ms: Math.round(clock.monotonicMs() - startedMs),
        who: nameOf(identityOf(ctx)),
        address: ctx.ip,
      };
      if (/^\/(health|ready)$/.test(ctx.path)) log.debug('request', fields);
      else log.info('request', fields);
    }
  };
}

/** A set-up link is a secret until it is used. */
function loggedPath(path: string): string {
  return path.replace(/^\/setup\/.+/, '/setup/...').slice(0, 300);
}

/** The headers of every answer, also of those to a request that cannot be read; over TLS browsers are asked to stay with it. */
export function securityHeadersFor(isSecure: boolean): Record<string, string> {
  return isSecure ? { ...securityHeaders, 'Strict-Transport-Security': 'max-age=31536000' } : { ...securityHeaders };
}

/** Sets the security headers. */
export function setSecurityHeaders(): Middleware {
  return async (ctx, next) => {
    ctx.set(securityHeadersFor(ctx.secure));
    await next();
  };
}
