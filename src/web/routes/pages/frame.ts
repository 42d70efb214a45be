import type { Context } from 'koa';
import { countFindings } from '../../../ledger/queries/findings.js';
import { nodeSights, lastSeenOf } from '../../../ledger/queries/sights.js';
import { hasScope, identityOf } from '../../authenticate.js';
import type { WebParts } from '../../parts.js';
import { agoFigure, bareChrome, navOf, type Chrome, type Section } from '../../present/pages-chrome.js';
import { assetVersion, sendPage, type PageModel } from '../../render.js';
import { takeFlash } from './flash.js';

export interface PageOptions {
  title: string;
  section: Section;
  asOf: number;
  /** False for pages that somebody reads rather than watches. */
  isRefreshing: boolean;
}

/** Answers with a page inside the header and footer that every page of a login has. */
export async function showPage(
  ctx: Context,
  parts: WebParts,
  view: string,
  options: PageOptions,
  model: PageModel,
): Promise<void> {
  sendPage(ctx, view, await framed(ctx, parts, options), model);
}

async function framed(ctx: Context, parts: WebParts, options: PageOptions): Promise<Chrome> {
  const identity = identityOf(ctx);
  const zone = parts.config.billing.timeZone;
  const seen = [...(await nodeSights(parts.db.reader)).values()].map(lastSeenOf).filter((at) => at !== null);
  return {
    ...bareChrome(ctx, options.title, assetVersion),
    servedAt: String(options.asOf),
    hasHeader: true,
    nav: navOf(options.section, await countFindings(parts.db.reader)),
    user: identity.kind === 'user' ? { name: identity.name, role: identity.role } : null,
    synced: seen.length === 0 ? null : agoFigure(Math.max(...seen), options.asOf, zone),
    canSync: identity.kind === 'user' && hasScope(identity, 'admin'),
    flash: takeFlash(ctx),
    back: `${ctx.path}${ctx.search}`,
    isRefreshing: options.isRefreshing,
    foot: `Times in ${zone}; point at one for UTC. Proxmox VM Tracker ${parts.version}`,
  };
}

/** An open session whose last proof is older than this is not seen: two polls and a time-out have gone by. */
export function unseenAfterMs({ config }: WebParts): number {
  return (2 * config.polling.intervalSeconds + config.polling.timeoutSeconds) * 1000;
}
