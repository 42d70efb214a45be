import type { Router } from '@koa/router';
import type { Context } from 'koa';
import type { EntryFields } from '../../../core/node-entries.js';
import { countEvents, listNodes, nodeByName } from '../../../ledger/queries/nodes.js';
import { hasScope, identityOf, requireScope } from '../../authenticate.js';
import { jsonOf } from '../../body.js';
import { orRefused } from '../../entry-faults.js';
import { notFound, unprocessable, WebError } from '../../errors.js';
import { orConflict, speakerOf } from '../../management.js';
import type { WebParts } from '../../parts.js';
import { presentNode } from '../../present/api-node.js';
import { queryReader } from '../../validate.js';

const nodesQuery = queryReader({ all: 'flag', cluster: 'name' });
const deleteQuery = queryReader({ purge: 'flag' });

/** GET and POST /api/nodes, GET and DELETE /api/nodes/{name}. */
export function nodeRoutes(router: Router, parts: WebParts): void {
  const { db, config, management, entries } = parts;
  addRoute(router, parts);
  router.get('/api/nodes', requireScope('read'), async (ctx) => {
    const { all, cluster } = nodesQuery(ctx, config.billing.timeZone);
    const nodes = await listNodes(db.reader, { includeRemoved: all, cluster });
    const ids = nodes.map((node) => node.id);
    const events = await countEvents(db.reader, ids);
    ctx.body = { nodes: nodes.map((node) => presentNode(node, events.get(node.id) ?? 0)), total: nodes.length };
  });

  router.get('/api/nodes/:name', requireScope('read'), async (ctx) => {
    const { all } = nodesQuery(ctx, config.billing.timeZone);
    const name = ctx.params['name'] ?? '';
    const node = await nodeByName(db.reader, name);
    if (node === null || (!node.isActive && all !== true)) throw notFound(`There is no node "${name.slice(0, 255)}".`);
    const events = await countEvents(db.reader, [node.id]);
    ctx.body = presentNode(node, events.get(node.id) ?? 0);
  });

  router.delete('/api/nodes/:name', requireScope('admin'), async (ctx) => {
    const name = ctx.params['name'] ?? '';
    const { purge } = deleteQuery(ctx, config.billing.timeZone);
    const node = await nodeByName(db.reader, name);
    if (node?.isActive !== true) throw notFound(`There is no node "${name.slice(0, 255)}".`);
    if (config.nodes.some((entry) => entry.name === name)) {
      throw new WebError(409, `The node "${name}" is named in config.yaml: take it out of nodes: there first.`);
    }
    const isPurged = purge === true;
    const entry = (await entries.list()).find((one) => one.node === name || (one.node === null && one.name === name));
    if (entry?.origin === 'database') {
      if (entry.node !== null && !entry.onlyNodes.includes(name)) {
        throw new WebError(409, `The node ${name} is reached by another entry too: it would be back at once.`);
      }
      const removed = await orRefused(entries.remove(entry.name, speakerOf(ctx), { isPurged }));
      ctx.body = {
        success: true,
        message: removedSentence(name, removed.nodes),
        deleted_sessions: removed.sessionCount,
      };
      return;
    }
    const wish = {
      node: node.name,
      nodeId: node.id,
      clusterId: node.clusterId,
      isPurged,
      speaker: speakerOf(ctx),
    };
    const deleted = await orConflict(management.removeNode(wish));
    ctx.body = { success: true, message: `Node ${name} is tracked no more`, deleted_sessions: deleted };
  });
}

/** POST /api/nodes: an admin, or a node's relay with an enrol key, adds an entry. */
function addRoute(router: Router, { entries }: WebParts): void {
  router.post('/api/nodes', requireScope('enrol'), async (ctx) => {
    const fields = jsonOf(ctx);
    if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
      throw unprocessable([{ path: '', message: 'must be an object: the fields of an entry of nodes:' }]);
    }
    const given = fields as EntryFields;
    const spendKeyId = spentKey(ctx, given['name']);
    const added = await orRefused(entries.add(given, speakerOf(ctx), spendKeyId));
    const done = `Node ${added.name} ${added.isNew ? 'added' : 'has its new token'}`;
    const message = added.error === null ? `${done}; it is polled now` : `${done}. It does not answer: ${added.error}`;
    ctx.body = { success: true, message, node_id: added.nodeId, name: added.name };
  });
}

/** The id of an enrol key, which its use spends; null for who may do more. One that is for a single node names no other. */
function spentKey(ctx: Context, name: unknown): number | null {
  const identity = identityOf(ctx);
  if (identity.kind !== 'key' || hasScope(identity, 'admin')) return null;
  if (identity.node !== null && identity.node !== name) {
    throw new WebError(403, `This key is for the node ${identity.node} alone.`);
  }
  return identity.keyId;
}

function removedSentence(name: string, nodes: readonly string[]): string {
  if (!nodes.includes(name)) return `The entry ${name} is gone; the node is tracked on, for another entry leads to it`;
  const others = nodes.filter((node) => node !== name);
  const also = others.length === 0 ? '' : `, nor ${others.join(', ')}, to which only its entry led`;
  return `Node ${name} is tracked no more${also}`;
}
