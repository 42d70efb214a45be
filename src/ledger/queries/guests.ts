import type { Knex } from 'knex';
import type { Queryable } from '../database.js';
import { narrowedGuests, orderedGuests, type GuestFilter } from './guest-filter.js';
import { guestViewsOf } from './guest-view.js';
import type { GuestView, Page } from './read-model.js';
import { guestRecords } from './records.js';
import { nodeSights, type NodeSight } from './sights.js';

export type { GuestFilter, GuestSort } from './guest-filter.js';

/** The guests that the filter leaves, one page of them, or all where it names no page; in order of VMID unless it says. */
export async function listGuests(db: Queryable, filter: GuestFilter = {}): Promise<Page<GuestView>> {
  const sights = await nodeSights(db, filter.asOf);
  const { page = 1, perPage } = filter;
  const wanted = orderedGuests(db, filter, sights);
  if (perPage === undefined) {
    const items = await viewsWith(db, wanted, sights);
    return { items, total: items.length, page: 1, perPage: items.length };
  }
  const counted = (await narrowedGuests(db, filter, sights).count('* as count').first()) as { count: number | string };
  const items = await viewsWith(db, wanted.limit(perPage).offset((page - 1) * perPage), sights);
  return { items, total: Number(counted.count), page, perPage };
}

async function viewsWith(
  db: Queryable,
  wanted: Knex.QueryBuilder,
  sights: ReadonlyMap<number, NodeSight>,
): Promise<GuestView[]> {
  const ids = ((await wanted.select('g.id')) as { id: number }[]).map((row) => row.id);
  return guestViewsOf(db, await guestRecords(db, ids), sights);
}

/** The guest with that id, also one that is gone; null when unknown. */
export async function guestById(db: Queryable, id: number, asOf?: number): Promise<GuestView | null> {
  return (await listGuests(db, { guestId: id, includeGone: true, asOf })).items[0] ?? null;
}

/**
 * The bearers of a VMID, one a cluster: the guest that bears it now, or bore it last. The one running comes first, else the
 * one seen last (wire-contract.md, "Which guest, which node"). The filter chooses among them; a guest id names any life.
 */
export async function guestsByVmid(db: Queryable, vmid: number, choice: GuestChoice = {}): Promise<GuestView[]> {
  const { items } = await listGuests(db, { vmid, guestId: choice.guestId, includeGone: true, asOf: choice.asOf });
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
  /** The present, for runs that count up to it. */
  asOf?: number | undefined;
}

function bearsRather(guest: GuestView, other: GuestView): boolean {
  if (guest.isPresent !== other.isPresent) return guest.isPresent;
  return guest.lastSeenAt > other.lastSeenAt || (guest.lastSeenAt === other.lastSeenAt && guest.id > other.id);
}
