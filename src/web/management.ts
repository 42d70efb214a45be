import type { Context } from 'koa';
import { ConflictError, type Speaker } from '../core/management.js';
import { identityOf, nameOf } from './authenticate.js';
import { WebError } from './errors.js';

/** Who asks, as the audit log names them. */
export function speakerOf(ctx: Context): Speaker {
  return { actor: nameOf(identityOf(ctx)), address: ctx.ip };
}

/** What a change by hand came to; what contradicts the ledger is a 409. */
export async function orConflict<T>(change: Promise<T>): Promise<T> {
  return change.catch((error: unknown) => {
    if (error instanceof ConflictError) throw new WebError(409, error.message);
    throw error;
  });
}
