import type { Router } from '@koa/router';
import { listNodes, nodeByName } from '../../../ledger/queries/nodes.js';
import { requireScope } from '../../authenticate.js';
import { notFound, WebError } from '../../errors.js';
import { orConflict, speakerOf } from '../../management.js';
import type { WebParts } from '../../parts.js';
import { presentNode } from '../../present/api-node.js';
import { queryReader } from '../../validate.js';

const nodesQuery = queryReader({ all: 'flag', cluster: 'name' });
const deleteQuery = queryReader({ purge: 'flag' });

/** GET /api/nodes and /api/nodes/{name}. */
export function nodeRoutes(router: Router, { db, config, management }: WebParts): void {
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

  router.delete('/api/nodes/:name', requireScope('admin'), async (ctx) => {
    const name = ctx.params['name'] ?? '';
    const { purge } = deleteQuery(ctx, config.billing.timeZone);
    const node = await nodeByName(db.reader, name);
    if (node?.isActive !== true) throw notFound(`There is no node "${name.slice(0, 255)}".`);
    if (config.nodes.some((entry) => entry.name === name)) {
      throw new WebError(409, `The node "${name}" is named in config.yaml: take it out of nodes: there first.`);
    }
    const wish = {
      node: node.name,
      nodeId: node.id,
      clusterId: node.clusterId,
      isPurged: purge === true,
      speaker: speakerOf(ctx),
    };
    const deleted = await orConflict(management.removeNode(wish));
    ctx.body = { success: true, message: `Node ${name} is tracked no more`, deleted_sessions: deleted };
  });
}
