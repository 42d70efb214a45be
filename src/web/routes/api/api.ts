import { Router } from '@koa/router';
import type { WebParts } from '../../parts.js';
import { accessRoutes } from './access.js';
import { checkRoutes } from './checks.js';
import { forceSyncRoutes } from './force-sync.js';
import { gapRoutes } from './gaps.js';
import { manualRoutes } from './manual.js';
import { nodeRoutes } from './nodes.js';
import { sessionRoutes } from './sessions.js';
import { usageRoutes } from './usage.js';
import { vmRoutes } from './vms.js';

/** Every call of the API, one file a resource. */
export function apiRoutes(parts: WebParts): Router {
  const router = new Router();
  const resources = [
    nodeRoutes,
    vmRoutes,
    usageRoutes,
    sessionRoutes,
    manualRoutes,
    gapRoutes,
    checkRoutes,
    accessRoutes,
    forceSyncRoutes,
  ];
  for (const add of resources) add(router, parts);
  return router;
}
