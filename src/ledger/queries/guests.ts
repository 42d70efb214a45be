import type { Queryable } from '../database.js';
import { narrowGuests, orderGuests, type GuestFilter } from './guest-filter.js';
import { guestViewsOf, type GuestRecord } from './guest-view.js';
import type { GuestView, Page } from './read-model.js';
import { nodeSights } from './sights.js';

export type { GuestFilter, GuestSort } from './guest-filter.js';

/** The guests that the filter leaves, one page of them, or all where it names no page; in order of VMID unless it says. */
export async function listGuests(db: Queryable, filter: GuestFilter = {}): Promise<Page<GuestView>> {
  const sights = await nodeSights(db);
  const query = db('guests as g')
    .join('nodes as n', 'n.id', 'g.node_id')
    .join('clusters as c', 'c.id', 'g.cluster_id')
    .leftJoin('spans as s', 's.open_guest_id', 'g.id')
    .leftJoin('sessions as o', 'o.open_guest_id', 'g.id');
  narrowGuests(query, filter, sights);
  const rows = query.clone().select(guestColumns);
  orderGuests(rows, filter.sort, sights);
  const { page = 1, perPage } = filter;
  if (perPage === undefined) {
    const items = await guestViewsOf(db, (await rows) as GuestRecord[], sights);
    return { items, total: items.length, page: 1, perPage: items.length };
  }
  const counted = (await query.count('* as count').first()) as { count: number | string };
  const found = (await rows.limit(perPage).offset((page - 1) * perPage)) as GuestRecord[];
  return { items: await guestViewsOf(db, found, sights), total: Number(counted.count), page, perPage };
}

/** The guest with that id, also one that is gone; null when unknown. */
export async function guestById(db: Queryable, id: number): Promise<GuestView | null> {
  return (await listGuests(db, { guestId: id, includeGone: true })).items[0] ?? null;
}

/**
 * The bearers of a VMID, one a cluster: the guest that bears it now, or bore it last. The one running comes first, else the
 * one seen last (wire-contract.md, "Which guest, which node"). The filter chooses among them; a guest id names any life.
 */
export async function guestsByVmid(db: Queryable, vmid: number, choice: GuestChoice = {}): Promise<GuestView[]> {
  const { items } = await listGuests(db, { vmid, guestId: choice.guestId, includeGone: true });
  const bearers = new Map<number, GuestView>();
  for (const guest of items) {
    const other = bearers.get(guest.clusterId);
    if (other === undefined || bearsRather(guest, other)) bearers.set(guest.clusterId, guest);
  }
  return [...bearers.values()]
    .filter((guest) => choice.node === undefined || guest.node === choice.node)
    .filter((guest) => choice.cluster === undefined || guest.cluster === choice.cluster)
    .sort((a, b) => Number(b.state === 'running') - Number(a.state === 'running') || b.lastSeenAt - a.lastSeenAt);
}

/** What chooses one of several guests with one VMID. */
export interface GuestChoice {
  node?: string | undefined;
  cluster?: string | undefined;
  guestId?: number | undefined;
}

function bearsRather(guest: GuestView, other: GuestView): boolean {
  if (guest.isPresent !== other.isPresent) return guest.isPresent;
  return guest.lastSeenAt > other.lastSeenAt || (guest.lastSeenAt === other.lastSeenAt && guest.id > other.id);
}

const guestColumns = [
  'g.id',
  'g.cluster_id',
  'c.name as cluster',
  'g.node_id',
  'n.name as node',
  'g.type',
  'g.vmid',
  'g.current_vmid',
  'g.name',
  'g.cores',
  'g.memory_bytes',
  'g.tags',
  'g.pool',
  'g.is_template',
  'g.first_seen_at',
  'g.destroyed_at',
  's.state as span_state',
  's.node_id as span_node_id',
  'o.id as open_session_id',
  'o.start_at as open_start_at',
];
