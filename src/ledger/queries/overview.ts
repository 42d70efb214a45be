import type { Queryable } from '../database.js';
import { countGuests } from './guest-counts.js';
import { lastSeenOf, nodeSights } from './sights.js';

export interface OverviewView {
  asOf: number;
  nodeCount: number;
  onlineNodeCount: number;
  guestCount: number;
  runningCount: number;
  stoppedCount: number;
  notSeenCount: number;
  openSessionCount: number;
  openGapCount: number;
  /** The newest good list of any tracked node; null before the first. */
  lastSeenAt: number | null;
}

/** The counts of the overview, of tracked nodes and of guests that exist. */
export async function overview(db: Queryable, asOf: number): Promise<OverviewView> {
  const nodes = (await db('nodes').where('is_active', 1).select('id', 'health')) as { id: number; health: string }[];
  const sights = await nodeSights(db);
  const view: OverviewView = {
    asOf,
    nodeCount: nodes.length,
    onlineNodeCount: nodes.filter((node) => node.health === 'online').length,
    guestCount: 0,
    runningCount: 0,
    stoppedCount: 0,
    notSeenCount: 0,
    openSessionCount: await countOpen(db, 'sessions', 'open_guest_id'),
    openGapCount: await countOpen(db, 'gaps', 'open_node_id'),
    lastSeenAt: null,
  };
  for (const counts of (await countGuests(db, sights)).values()) {
    view.guestCount += counts.total;
    view.runningCount += counts.running;
    view.stoppedCount += counts.stopped;
    view.notSeenCount += counts.notSeen;
  }
  const seen = nodes.map((node) => lastSeenOf(sights.get(node.id))).filter((at) => at !== null);
  view.lastSeenAt = seen.length === 0 ? null : Math.max(...seen);
  return view;
}

async function countOpen(db: Queryable, table: 'sessions' | 'gaps', column: string): Promise<number> {
  const row = (await db(table).whereNotNull(column).count('* as count').first()) as { count: number | string };
  return Number(row.count);
}
