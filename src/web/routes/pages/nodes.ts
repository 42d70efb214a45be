import type { Context } from 'koa';
import { listNodes } from '../../../ledger/queries/nodes.js';
import type { WebParts } from '../../parts.js';
import { countOf, countText } from '../../present/pages-figures.js';
import { nodesByCluster } from '../../present/pages-nodes.js';
import { firstStepsOf } from './first-steps.js';
import { showPage } from './frame.js';

/** GET /nodes: is every node seen, and what is wrong where it is not. */
export async function nodesPage(ctx: Context, parts: WebParts): Promise<void> {
  const asOf = parts.clock.now();
  const nodes = await listNodes(parts.db.reader);
  const online = nodes.filter((node) => node.health === 'online').length;
  const polled = `polled every ${parts.config.polling.intervalSeconds} s`;
  await showPage(
    ctx,
    parts,
    'nodes',
    { title: 'Nodes', section: 'nodes', asOf, isRefreshing: true },
    {
      summary: `${countText(online)} of ${countOf(nodes.length, 'node')} online · ${polled}`,
      firstSteps: firstStepsOf(parts, nodes.length),
      clusters: nodesByCluster(nodes, parts.config.billing.timeZone, asOf),
    },
  );
}
