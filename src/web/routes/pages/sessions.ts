import type { Context } from 'koa';
import { listNodes } from '../../../ledger/queries/nodes.js';
import { listSessions } from '../../../ledger/queries/sessions.js';
import { unprocessable } from '../../errors.js';
import type { WebParts } from '../../parts.js';
import { countOf } from '../../present/pages-figures.js';
import { sessionRow } from '../../present/pages-sessions.js';
import { showPage, unseenAfterMs } from './frame.js';
import { nodeChoices } from './guests.js';
import { choiceOf, dayOfQuery, numberOf, PER_PAGE, pagerOf, selectOf, textOf } from './page-query.js';

const states = [
  { value: 'running', label: 'running' },
  { value: 'ended', label: 'ended' },
] as const;

/** GET /sessions: every run of every guest, newest first; the form's days are inclusive, in the billing time zone. */
export async function sessionsPage(ctx: Context, parts: WebParts): Promise<void> {
  const asOf = parts.clock.now();
  const db = parts.db.reader;
  const zone = parts.config.billing.timeZone;
  const state = choiceOf(ctx, 'state', ['running', 'ended']);
  const [from, to] = [dayOfQuery(ctx, 'from', zone), dayOfQuery(ctx, 'to', zone)];
  if (from !== undefined && to !== undefined && to.to <= from.from) {
    throw unprocessable([{ path: '/to', message: 'lies before from: the last day comes after the first' }]);
  }
  const filter = {
    vmid: numberOf(ctx, 'vmid'),
    node: textOf(ctx, 'node'),
    isRunning: state === undefined ? undefined : state === 'running',
    from: from?.from,
    to: to?.to,
  };
  const list = await listSessions(db, { ...filter, page: numberOf(ctx, 'page') ?? 1, perPage: PER_PAGE, asOf });
  const nodes = await listNodes(db, { includeRemoved: true });
  const options = { zone, asOf, hasGuest: true, unseenAfterMs: unseenAfterMs(parts) };
  await showPage(
    ctx,
    parts,
    'sessions',
    { title: 'Sessions', section: 'sessions', asOf, isRefreshing: filter.to === undefined },
    {
      summary: `${countOf(list.total, 'session')}, newest first`,
      filter: {
        vmid: textOf(ctx, 'vmid') ?? '',
        from: textOf(ctx, 'from') ?? '',
        to: textOf(ctx, 'to') ?? '',
        node: selectOf('node', 'Node', 'any', nodeChoices(nodes), filter.node),
        state: selectOf('state', 'State', 'any', states, state),
      },
      sessions: list.items.map((session) => sessionRow(session, options)),
      pager: pagerOf(ctx, list),
      empty:
        ctx.querystring === ''
          ? 'No session yet: the first appears with the first poll that sees a guest running.'
          : 'No session fits this filter.',
    },
  );
}
