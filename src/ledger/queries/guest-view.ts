import type { GuestType } from '../../core/observation.js';
import type { Queryable } from '../database.js';
import { inBatches } from './batches.js';
import { correctionsInForce, countingEdges, type CorrectedSession } from './corrections.js';
import { stateOf } from './guest-counts.js';
import { proofsOf, type Proof } from './proof.js';
import type { GuestView } from './read-model.js';
import type { NodeSight } from './sights.js';

/** A row of guests joined with its node, cluster, open span and open session. */
export interface GuestRecord {
  id: number;
  cluster_id: number;
  cluster: string;
  node_id: number;
  node: string;
  type: GuestType;
  vmid: number;
  current_vmid: number | null;
  name: string | null;
  cores: number | null;
  memory_bytes: number | null;
  tags: string | null;
  pool: string | null;
  is_template: number;
  first_seen_at: number;
  destroyed_at: number | null;
  span_state: 'running' | 'stopped' | null;
  span_node_id: number | null;
  open_session_id: number | null;
  open_start_at: number | null;
}

/** The views of these rows in their order: proofs and totals are asked once for all of them. */
export async function guestViewsOf(
  db: Queryable,
  rows: readonly GuestRecord[],
  sights: ReadonlyMap<number, NodeSight>,
): Promise<GuestView[]> {
  const guests = rows.map(({ id, type, open_session_id: open }) => ({ id, type, isOpen: open !== null }));
  const proofs = await proofsOf(db, guests, sights);
  const ids = rows.map((row) => row.id);
  const ended = await endedRuntimes(db, ids);
  const corrections = await correctionsInForce(db, ids);
  for (const one of corrections.values()) ended.set(one.guestId, (ended.get(one.guestId) ?? 0) + correctedMs(one));
  return rows.map((row) => {
    const open = corrections.get(row.open_session_id ?? -1);
    return viewOf(open === undefined ? row : withOpen(row, open), sights, proofs.get(row.id), ended.get(row.id) ?? 0);
  });
}

/** What a correction adds to the time of ended sessions. */
function correctedMs(correction: CorrectedSession): number {
  const { derived } = correction;
  const counting = countingEdges(correction);
  const lengthOf = (edges: typeof derived): number => (edges.end_at === null ? 0 : edges.end_at - edges.start_at);
  return lengthOf(counting) - lengthOf(derived);
}

function withOpen(row: GuestRecord, correction: CorrectedSession): GuestRecord {
  if (correction.endAt !== null) return { ...row, open_session_id: null, open_start_at: null };
  return { ...row, open_start_at: correction.startAt ?? row.open_start_at };
}

async function endedRuntimes(db: Queryable, guestIds: readonly number[]): Promise<Map<number, number>> {
  const rows = await inBatches(
    guestIds,
    async (part) =>
      (await db('sessions')
        .whereIn('guest_id', part)
        .whereNotNull('end_at')
        .groupBy('guest_id')
        .select('guest_id')
        .sum({ runtime: db.raw('end_at - start_at') })) as { guest_id: number; runtime: number | string }[],
  );
  return new Map(rows.map((row) => [row.guest_id, Number(row.runtime)]));
}

function viewOf(
  row: GuestRecord,
  sights: ReadonlyMap<number, NodeSight>,
  proof: Proof | undefined,
  endedRuntimeMs: number,
): GuestView {
  const since = row.open_start_at;
  const openMs = since === null ? 0 : Math.max(0, (proof?.provenUntil ?? since) - since);
  return {
    id: row.id,
    clusterId: row.cluster_id,
    cluster: row.cluster,
    node: row.node,
    nodeId: row.node_id,
    type: row.type,
    vmid: row.vmid,
    name: row.name,
    state: stateOf({ state: row.span_state, nodeId: row.span_node_id }, row.type, sights),
    isPresent: row.current_vmid !== null && row.destroyed_at === null,
    cores: row.cores,
    memoryBytes: row.memory_bytes,
    tags: tagsOf(row.tags),
    pool: row.pool,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: proof?.lastSeenAt ?? row.first_seen_at,
    destroyedAt: row.destroyed_at,
    isTemplate: row.is_template === 1,
    openSessionId: row.open_session_id,
    runningSince: since,
    totalRuntimeMs: endedRuntimeMs + openMs,
  };
}

/** Proxmox joins tags by `;`, older versions and hands by `,` or a blank. */
function tagsOf(text: string | null): string[] {
  return (text ?? '').split(/[;,\s]+/).filter((tag) => tag !== '');
}
