import type { Knex } from 'knex';
import type { GuestType } from '../../core/observation.js';
import type { Queryable } from '../database.js';

/** What is known of a node's polls: how far its open spans are proven, and whether its last poll saw its lists. */
export interface NodeSight {
  nodeId: number;
  /** `sent` of the last good list of each type; null before the first. */
  sentAt: Record<GuestType, number | null>;
  /** True when the last poll of a tracked node saw the list. */
  isSeen: Record<GuestType, boolean>;
  lastPolledAt: number | null;
  /** Where nobody polls the node: how far a session that a person began there counts; else null. */
  manualUntil: number | null;
  /** Node's clock less ours, as the last poll read it; null where it could not. */
  offsetMs: number | null;
}

interface SightRow {
  id: number;
  is_active: number;
  source: 'pull' | 'push';
  qemu_sent: number | string | null;
  lxc_sent: number | string | null;
  qemu_outcome: string | null;
  lxc_outcome: string | null;
  finished_at: number | null;
  offset_earliest_ms: number | null;
  offset_latest_ms: number | null;
}

/**
 * One sight a node, by node id. Each of the newest is one step into an index, however many polls are kept. `asOf` is the
 * present, for what counts up to it; without it nothing does.
 */
export async function nodeSights(db: Queryable, asOf: number | null = null): Promise<Map<number, NodeSight>> {
  // MariaDB reads all of a node for a max() here, and one row for this.
  const newest = (column: 'id' | 'qemu_sent_at' | 'lxc_sent_at', by: string): Knex.QueryBuilder =>
    db('polls as l').select(`l.${column}`).whereRaw('l.node_id = n.id').orderBy(`l.${by}`, 'desc').limit(1);
  const rows = (await db('nodes as n')
    .leftJoin('polls as p', (on: Knex.JoinClause) => void on.on('p.id', '=', db.raw('(?)', [newest('id', 'began_at')])))
    .select('n.id', 'n.is_active', 'n.source', 'p.qemu_outcome', 'p.lxc_outcome', 'p.finished_at')
    .select('p.offset_earliest_ms', 'p.offset_latest_ms')
    .select(newest('qemu_sent_at', 'qemu_sent_at').as('qemu_sent'))
    .select(newest('lxc_sent_at', 'lxc_sent_at').as('lxc_sent'))) as SightRow[];
  return new Map(rows.map((row) => [row.id, sightOf(row, asOf)]));
}

function sightOf(row: SightRow, asOf: number | null): NodeSight {
  const { offset_earliest_ms: earliest, offset_latest_ms: latest } = row;
  return {
    nodeId: row.id,
    sentAt: {
      qemu: row.qemu_sent === null ? null : Number(row.qemu_sent),
      lxc: row.lxc_sent === null ? null : Number(row.lxc_sent),
    },
    isSeen: {
      qemu: row.is_active === 1 && row.qemu_outcome === 'seen',
      lxc: row.is_active === 1 && row.lxc_outcome === 'seen',
    },
    lastPolledAt: row.finished_at,
    manualUntil: row.is_active === 1 && row.source === 'push' ? asOf : null,
    offsetMs: earliest === null || latest === null ? null : Math.round((earliest + latest) / 2),
  };
}

/** The later of a node's two last good lists; null before the first. */
export function lastSeenOf(sight: NodeSight | undefined): number | null {
  const seen = [sight?.sentAt.qemu ?? null, sight?.sentAt.lxc ?? null].filter((at) => at !== null);
  return seen.length === 0 ? null : Math.max(...seen);
}
