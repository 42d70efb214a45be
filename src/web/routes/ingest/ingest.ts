import { Router } from '@koa/router';
import type { Context } from 'koa';
import { AgentCallError, type AgentAnswer } from '../../../core/ingest.js';
import { identityOf, requireScope } from '../../authenticate.js';
import { unprocessable, WebError } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { presentAnswer } from '../../present/api-ingest.js';
import { callReader, type CallName } from './call-bodies.js';

const CALLS: readonly CallName[] = ['register', 'vm-start', 'vm-stop', 'vm-states', 'heartbeat'];

/** What push agents call (wire-contract.md, "Ingest"). */
export function ingestRoutes({ acceptCall, clock, config }: WebParts): Router {
  const router = new Router();
  for (const name of CALLS) {
    const read = callReader(name);
    router.post(`/api/ingest/${name}`, requireScope('ingest'), async (ctx) => {
      const call = read(ctx, clock.now(), config.billing.timeZone);
      checkNode(ctx, call.node);
      const answer = await acceptCall(call).catch(refused);
      ctx.body = presentAnswer(call, answer, clock.now());
    });
  }
  return router;
}

/** A key that is bound to one node speaks for no other. */
function checkNode(ctx: Context, node: string): void {
  const identity = identityOf(ctx);
  if (identity.kind !== 'key' || identity.node === null) return;
  if (identity.node.toLowerCase() === node.toLowerCase()) return;
  throw new WebError(403, `This key is for the node "${identity.node}" alone, and the call speaks for "${node}".`);
}

function refused(error: unknown): AgentAnswer {
  if (error instanceof AgentCallError) throw unprocessable([{ path: error.path, message: error.message }]);
  throw error;
}
