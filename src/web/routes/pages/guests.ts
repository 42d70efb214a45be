import type { Context } from 'koa';
import { listGuests, type GuestFilter, type GuestSort } from '../../../ledger/queries/guests.js';
import { listNodes } from '../../../ledger/queries/nodes.js';
import { usageByGuest } from '../../../ledger/queries/pages-usage.js';
import type { WebParts } from '../../parts.js';
import { dayOf, monthOf } from '../../present/pages-calendar.js';
import { countOf, zoneClock } from '../../present/pages-figures.js';
import { guestRow } from '../../present/pages-guests.js';
import { showPage } from './frame.js';
import { choiceOf, numberOf, PER_PAGE, pagerOf, selectOf, textOf, withQuery } from './page-query.js';

type SortKey = 'vmid' | 'name' | 'state' | 'node' | 'since';

const sortKeys: readonly SortKey[] = ['vmid', 'name', 'state', 'node', 'since'];
const states = [
  { value: 'running', label: 'running' },
  { value: 'stopped', label: 'stopped' },
  { value: 'not_seen', label: 'not seen' },
] as const;

/** GET /guests: every guest with its state and times; filters, order and page are in the URL. */
export async function guestsPage(ctx: Context, parts: WebParts): Promise<void> {
  const asOf = parts.clock.now();
  const db = parts.db.reader;
  const zone = parts.config.billing.timeZone;
  const { filter, sort } = filterOf(ctx);
  const list = await listGuests(db, { ...filter, asOf });
  const month = monthOf(asOf, zone);
  const ids = list.items.map((guest) => guest.id);
  const usage = {
    today: await usageByGuest(db, dayOf(asOf, zone), ids, asOf),
    month: await usageByGuest(db, month, ids, asOf),
  };
  const nodes = await listNodes(db, { includeRemoved: filter.includeGone });
  const isFiltered = ctx.querystring !== '';
  await showPage(
    ctx,
    parts,
    'guests',
    { title: 'Guests', section: 'guests', asOf, isRefreshing: true },
    {
      summary: countOf(list.total, isFiltered ? 'guest fits' : 'guest', isFiltered ? 'guests fit' : 'guests'),
      filter: {
        q: filter.text ?? '',
        gone: filter.includeGone === true,
        sort: textOf(ctx, 'sort') ?? '',
        order: textOf(ctx, 'order') ?? '',
        node: selectOf('node', 'Node', 'any', nodeChoices(nodes), filter.node),
        state: selectOf('state', 'State', 'any', states, filter.state),
      },
      columns: columnsOf(ctx, sort, zoneClock(zone).monthName(month.from, asOf)),
      guests: list.items.map((guest) => guestRow(guest, usage, zone, asOf)),
      pager: pagerOf(ctx, list),
      empty: isFiltered
        ? 'No guest fits this filter.'
        : 'No guest was seen yet: the nodes page tells whether each node answers.',
    },
  );
}

/** The nodes as choices of a filter. */
export function nodeChoices(nodes: readonly { name: string }[]): { value: string; label: string }[] {
  return nodes.map((node) => ({ value: node.name, label: node.name }));
}

function filterOf(ctx: Context): { filter: GuestFilter; sort: GuestSort } {
  const key = choiceOf(ctx, 'sort', sortKeys) ?? 'vmid';
  const isDescending = choiceOf(ctx, 'order', ['asc', 'desc']) === 'desc';
  const sort: GuestSort = { by: key === 'since' ? 'runningSince' : key, isDescending };
  const filter: GuestFilter = {
    text: textOf(ctx, 'q'),
    node: textOf(ctx, 'node'),
    state: choiceOf(ctx, 'state', ['running', 'stopped', 'not_seen']),
    includeGone: choiceOf(ctx, 'gone', ['1', '0']) === '1',
    sort,
    page: numberOf(ctx, 'page') ?? 1,
    perPage: PER_PAGE,
  };
  return { filter, sort };
}

interface Column {
  label: string;
  /** Empty: the list cannot be ordered by it. */
  href: string;
  kind: 'vmid' | 'text' | 'num';
  sorted: string;
  arrow: string;
}

function columnsOf(ctx: Context, sort: GuestSort, month: string): Column[] {
  const by = (label: string, key: SortKey, kind: Column['kind'] = 'text'): Column => {
    const isSorted = sort.by === (key === 'since' ? 'runningSince' : key);
    const order = isSorted && !sort.isDescending ? 'desc' : null;
    return {
      label,
      href: withQuery(ctx, { sort: key === 'vmid' ? null : key, order, page: null }),
      kind,
      sorted: isSorted ? (sort.isDescending ? 'descending' : 'ascending') : '',
      arrow: isSorted ? (sort.isDescending ? '↓' : '↑') : '',
    };
  };
  const plain = (label: string): Column => ({ label, href: '', kind: 'num', sorted: '', arrow: '' });
  return [
    by('VMID', 'vmid', 'vmid'),
    by('Guest', 'name'),
    by('State', 'state'),
    by('Node', 'node'),
    by('Running since', 'since', 'num'),
    plain('Today'),
    plain(month),
  ];
}
