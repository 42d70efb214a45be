import type { Knex } from 'knex';
import type { Queryable } from '../database.js';
import type { GuestState } from './read-model.js';
import type { NodeSight } from './sights.js';

export interface GuestFilter {
  /** Wire name of the node that the guest is on. */
  node?: string | undefined;
  cluster?: string | undefined;
  vmid?: number | undefined;
  guestId?: number | undefined;
  /** Also those that exist no more. */
  includeGone?: boolean | undefined;
  /** Part of the name, tags or pool, or the whole VMID. */
  text?: string | undefined;
  state?: GuestState | undefined;
  sort?: GuestSort | undefined;
  page?: number | undefined;
  perPage?: number | undefined;
  /** The present, for runs that count up to it. */
  asOf?: number | undefined;
}

export interface GuestSort {
  by: 'vmid' | 'name' | 'node' | 'state' | 'runningSince' | 'firstSeen';
  isDescending: boolean;
}

/** The guests g that the filter leaves; open spans s are joined only where the filter asks for a state. */
export function narrowedGuests(
  db: Queryable,
  filter: GuestFilter,
  sights: ReadonlyMap<number, NodeSight>,
): Knex.QueryBuilder {
  const query = db('guests as g');
  const named = (table: string, name: string): Knex.QueryBuilder => db(table).where('name', name).select('id');
  if (filter.node !== undefined) void query.whereIn('g.node_id', named('nodes', filter.node));
  if (filter.cluster !== undefined) void query.whereIn('g.cluster_id', named('clusters', filter.cluster));
  if (filter.vmid !== undefined) void query.where('g.vmid', filter.vmid);
  if (filter.guestId !== undefined) void query.where('g.id', filter.guestId);
  if (filter.includeGone !== true) void query.whereNotNull('g.current_vmid').whereNull('g.destroyed_at');
  if (filter.text !== undefined && filter.text !== '') void query.where((where) => withText(where, filter.text ?? ''));
  if (filter.state !== undefined) void query.leftJoin('spans as s', 's.open_guest_id', 'g.id');
  if (filter.state === 'not_seen') void query.whereNot((where) => isSeen(where, sights));
  else if (filter.state !== undefined)
    void query.where('s.state', filter.state).where((where) => isSeen(where, sights));
  return query;
}

function withText(where: Knex.QueryBuilder, text: string): void {
  const pattern = `%${text.toLowerCase().replace(/[!%_]/g, '!$&')}%`;
  for (const column of ['g.name', 'g.tags', 'g.pool'])
    void where.orWhereRaw(`lower(??) like ? escape '!'`, [column, pattern]);
  if (/^\d{1,9}$/.test(text)) void where.orWhere('g.vmid', Number(text));
}

/** The open span's node saw its list at its last poll. Never null: a guest without an open span is not seen. */
function isSeen(where: Knex.QueryBuilder, sights: ReadonlyMap<number, NodeSight>): void {
  const seenBy = (type: 'qemu' | 'lxc'): number[] =>
    [...sights.values()].filter((n) => n.isSeen[type]).map((n) => n.nodeId);
  void where.whereNotNull('s.id').where((either) => {
    for (const type of ['qemu', 'lxc'] as const) {
      void either.orWhere((of) => void of.where('g.type', type).whereIn('s.node_id', seenBy(type)));
    }
  });
}

/** The same, ordered by the sort, then by VMID and id, so that pages never overlap; guests without the value come last. */
export function orderedGuests(
  db: Queryable,
  filter: GuestFilter,
  sights: ReadonlyMap<number, NodeSight>,
): Knex.QueryBuilder {
  const { sort } = filter;
  const query = narrowedGuests(db, filter, sights);
  const direction = sort?.isDescending === true ? 'desc' : 'asc';
  if (sort?.by === 'node') void query.leftJoin('nodes as n', 'n.id', 'g.node_id');
  if (sort?.by === 'runningSince') void query.leftJoin('sessions as o', 'o.open_guest_id', 'g.id');
  if (sort?.by === 'state') {
    if (filter.state === undefined) void query.leftJoin('spans as s', 's.open_guest_id', 'g.id');
    orderByState(query, direction, sights);
  } else if (sort !== undefined) {
    const column = SORT_COLUMNS[sort.by];
    void query.orderByRaw(`case when ?? is null then 1 else 0 end`, [column]).orderBy(column, direction);
  }
  return query.orderBy([
    { column: 'g.vmid', order: sort?.by === 'vmid' ? direction : 'asc' },
    { column: 'g.id', order: 'asc' },
  ]);
}

const SORT_COLUMNS = {
  vmid: 'g.vmid',
  name: 'g.name',
  node: 'n.name',
  runningSince: 'o.start_at',
  firstSeen: 'g.first_seen_at',
};

function orderByState(query: Knex.QueryBuilder, direction: string, sights: ReadonlyMap<number, NodeSight>): void {
  // Running, stopped, not seen: the ids are numbers of our own, so they may stand in the text.
  const seen = (type: 'qemu' | 'lxc'): string => {
    const ids = [...sights.values()].filter((n) => n.isSeen[type]).map((n) => n.nodeId);
    return ids.length === 0 ? '1 = 0' : `g.type = '${type}' and s.node_id in (${ids.map(Number).join(',')})`;
  };
  const known = `((${seen('qemu')}) or (${seen('lxc')}))`;
  void query.orderByRaw(
    `case when s.state = 'running' and ${known} then 0 when s.state = 'stopped' and ${known} then 1 else 2 end ${direction}`,
  );
}
