import type { Router } from '@koa/router';
import { nodeByName } from '../../../ledger/queries/nodes.js';
import { requireScope } from '../../authenticate.js';
import { notFound } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { presentForceSync } from '../../present/api-poll.js';
import { bodyReader, type BodySchema } from '../../validate.js';

interface ForceSync {
  target_node?: string;
}

const schema: BodySchema<ForceSync> = {
  type: 'object',
  properties: { target_node: { type: 'string', maxLength: 255, nullable: true } },
};
const forceSyncBody = bodyReader(schema);

/** POST /api/ingest/force-sync: answered when the polls that it began are applied (ledger rule 2), and agents are to be told. */
export function forceSyncRoutes(router: Router, { db, pollNow, management }: WebParts): void {
  router.post('/api/ingest/force-sync', requireScope('admin'), async (ctx) => {
    const { target_node: target } = forceSyncBody(ctx);
    if (target !== undefined && (await nodeByName(db.reader, target))?.isActive !== true) {
      throw notFound(`There is no node "${target}".`);
    }
    // Agents are told while the polls run: neither waits for the other.
    const [agentCount, report] = await Promise.all([
      management.askForSync(target ?? null),
      pollNow({ nodes: target === undefined ? null : [target] }),
    ]);
    ctx.body = presentForceSync(report, agentCount);
  });
}
