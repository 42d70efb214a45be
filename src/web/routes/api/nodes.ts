import type { Router } from '@koa/router';
import { listNodes, nodeByName } from '../../../ledger/queries/nodes.js';
import { requireScope } from '../../authenticate.js';
import { notFound } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { presentNode } from '../../present/api-node.js';
import { queryReader } from '../../validate.js';

const nodesQuery = queryReader({ all: 'flag', cluster: 'name' });

/** GET /api/nodes and /api/nodes/{name}. */
export function nodeRoutes(router: Router, { db, config }: WebParts): void {
  router.get('/api/nodes', requireScope('read'), async (ctx) => {
    const { all, cluster } = nodesQuery(ctx, config.billing.timeZone);
    const nodes = await listNodes(db.reader, { includeRemoved: all, cluster });
    ctx.body = { nodes: nodes.map(presentNode), total: nodes.length };
  });

  router.get('/api/nodes/:name', requireScope('read'), async (ctx) => {
    const { all } = nodesQuery(ctx, config.billing.timeZone);
    const name = ctx.params['name'] ?? '';
    const node = await nodeByName(db.reader, name);
    if (node === null || (!node.isActive && all !== true)) throw notFound(`There is no node "${name.slice(0, 255)}".`);
    ctx.body = presentNode(node);
  });
}
