import type { Knex } from 'knex';
import type { Queryable } from '../database.js';
import { countGuests } from './guest-counts.js';
import { lastSeenOf, nodeSights } from './sights.js';

/** How a tracked node stands now. */
export interface NodeMeasure {
  name: string;
  isOnline: boolean;
  /** The newest good list; null before the first. */
  lastSeenAt: number | null;
  /** Since when it is not seen; null while it is. */
  unseenSince: number | null;
}

/** What the ledger holds at this moment, in figures for a monitoring system. */
export interface Measures {
  nodes: NodeMeasure[];
  guests: { running: number; stopped: number; not_seen: number };
  openSessionCount: number;
  findingCount: number;
}

interface NodeRow {
  id: number;
  name: string;
  health: string;
  started_at: number | null;
}

/** Reads the figures: a handful of indexed queries, whatever the ledger's age; at most `maxNodes` nodes are named. */
export async function measure(db: Queryable, maxNodes: number): Promise<Measures> {
  const rows = (await db('nodes as n')
    .leftJoin('gaps as g', 'g.open_node_id', 'n.id')
    .where('n.is_active', 1)
    .orderBy('n.id')
    .limit(maxNodes)
    .select('n.id', 'n.name', 'n.health', 'g.started_at')) as NodeRow[];
  const sights = await nodeSights(db);
  const guests = { running: 0, stopped: 0, not_seen: 0 };
  for (const counts of (await countGuests(db, sights)).values()) {
    guests.running += counts.running;
    guests.stopped += counts.stopped;
    guests.not_seen += counts.notSeen;
  }
  return {
    nodes: rows.map(({ id, name, health, started_at: unseenSince }) => ({
      name,
      isOnline: health === 'online',
      lastSeenAt: lastSeenOf(sights.get(id)),
      unseenSince,
    })),
    guests,
    openSessionCount: await countOf(db('sessions').whereNotNull('open_guest_id')),
    findingCount: await countOf(db('findings')),
  };
}

async function countOf(query: Knex.QueryBuilder): Promise<number> {
  const row = (await query.count('* as count').first()) as { count: number | string };
  return Number(row.count);
}
