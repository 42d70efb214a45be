import type { Context } from 'koa';
import { listGaps } from '../../../ledger/queries/gaps.js';
import { listNodes } from '../../../ledger/queries/nodes.js';
import type { WebParts } from '../../parts.js';
import { countOf } from '../../present/pages-figures.js';
import { gapRow } from '../../present/pages-gaps.js';
import { showPage } from './frame.js';
import { nodeChoices } from './guests.js';
import { choiceOf, numberOf, PER_PAGE, pagerOf, selectOf, textOf } from './page-query.js';

const states = [
  { value: 'open', label: 'going on' },
  { value: 'ended', label: 'ended' },
] as const;

/** GET /gaps: when a node was not seen, why, and whether the time was proven since. */
export async function gapsPage(ctx: Context, parts: WebParts): Promise<void> {
  const asOf = parts.clock.now();
  const db = parts.db.reader;
  const zone = parts.config.billing.timeZone;
  const state = choiceOf(ctx, 'state', ['open', 'ended']);
  const filter = { node: textOf(ctx, 'node'), isOpen: state === undefined ? undefined : state === 'open' };
  const list = await listGaps(db, { ...filter, page: numberOf(ctx, 'page') ?? 1, perPage: PER_PAGE });
  const nodes = await listNodes(db, { includeRemoved: true });
  await showPage(
    ctx,
    parts,
    'gaps',
    { title: 'Gaps', section: 'gaps', asOf, isRefreshing: true },
    {
      summary: `${countOf(list.total, 'stretch', 'stretches')} in which a node was not seen. Nothing ends in a gap: what ran before counts on once it is proven.`,
      filter: {
        node: selectOf('node', 'Node', 'any', nodeChoices(nodes), filter.node),
        state: selectOf('state', 'State', 'any', states, state),
      },
      gaps: list.items.map((gap) => gapRow(gap, zone, asOf)),
      pager: pagerOf(ctx, list),
      empty: ctx.querystring === '' ? 'No gap: every node was seen at every poll.' : 'No gap fits this filter.',
    },
  );
}
