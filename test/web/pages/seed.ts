import type { Database, Trx } from '../../../src/ledger/database.js';
import {
  DAY,
  seedGaps,
  seedGuests,
  seedNodes,
  seedNow,
  type SeedEdge,
  type SeedGuest,
  type SeedSession,
} from './seed-plan.js';
import { seedSessions } from './seed-sessions.js';

/** Fills a migrated, empty database with six nodes, 52 guests, a month of sessions with every kind of evidence, and gaps. */
export async function seedSite(db: Database): Promise<void> {
  await db.writer.transaction(async (trx) => {
    const nodeIds = await seedClusters(trx);
    for (const guest of seedGuests()) await seedGuest(trx, guest, nodeIds);
    await trx('gaps').insert(
      seedGaps.map((gap) => ({
        cluster_id: nodeIds.get(gap.node)?.clusterId,
        node_id: nodeIds.get(gap.node)?.id,
        open_node_id: gap.to === null ? nodeIds.get(gap.node)?.id : null,
        started_at: Math.round(gap.from),
        ended_at: gap.to === null ? null : Math.round(gap.to),
        reason: gap.reason,
        detail: gap.detail,
        is_proven: gap.isProven ? 1 : 0,
      })),
    );
  });
}

type NodeIds = Map<string, { id: number; clusterId: number }>;

async function seedClusters(trx: Trx): Promise<NodeIds> {
  const clusterIds = new Map<string, number>();
  const nodeIds: NodeIds = new Map();
  for (const [k, node] of seedNodes.entries()) {
    let clusterId = clusterIds.get(node.cluster);
    if (clusterId === undefined) {
      const key = { cluster_key: `node:${node.cluster}`, name: node.cluster, created_at: seedNow - 60 * DAY };
      clusterId = Number((await trx('clusters').insert(key))[0]);
      clusterIds.set(node.cluster, clusterId);
    }
    const id = Number(
      (
        await trx('nodes').insert({
          cluster_id: clusterId,
          name: node.name,
          proxmox_name: node.name,
          hostname: `10.0.0.${11 + k}`,
          source: 'pull',
          health: node.health,
          last_error: node.error,
          boot_at: seedNow - node.bootDaysAgo * DAY,
          version: '9.2.3',
          coverage_since: seedNow - (26 + k) * DAY,
          created_at: seedNow - 60 * DAY,
        })
      )[0],
    );
    nodeIds.set(node.name, { id, clusterId });
    await seedPolls(trx, id, node.health !== 'unreachable', node.offsetMs);
  }
  return nodeIds;
}

async function seedPolls(trx: Trx, nodeId: number, isSeen: boolean, offsetMs: number): Promise<void> {
  const poll = (at: number, isGood: boolean): Record<string, unknown> => ({
    node_id: nodeId,
    began_at: at,
    finished_at: at + 160,
    qemu_outcome: isGood ? 'seen' : 'unreachable',
    lxc_outcome: isGood ? 'seen' : 'unreachable',
    tasks_outcome: isGood ? 'seen' : 'unreachable',
    qemu_sent_at: isGood ? at : null,
    qemu_received_at: isGood ? at + 60 : null,
    lxc_sent_at: isGood ? at + 61 : null,
    lxc_received_at: isGood ? at + 120 : null,
    offset_earliest_ms: isGood ? offsetMs - 20 : null,
    offset_latest_ms: isGood ? offsetMs + 20 : null,
  });
  await trx('polls').insert(poll(seedNow - 200_000, true));
  await trx('polls').insert(poll(seedNow - 12_000 - nodeId * 300, isSeen));
}

async function seedGuest(trx: Trx, guest: SeedGuest, nodeIds: NodeIds): Promise<void> {
  const place = nodeIds.get(guest.node);
  if (place === undefined) throw new Error(`the seed has no node ${guest.node}`);
  const guestId = Number(
    (
      await trx('guests').insert({
        cluster_id: place.clusterId,
        type: guest.type,
        vmid: guest.vmid,
        life: 1,
        current_vmid: guest.vmid,
        name: guest.name,
        node_id: place.id,
        cores: 2 + (guest.vmid % 4) * 2,
        memory_bytes: 2 ** (31 + (guest.vmid % 4)),
        tags: guest.tags,
        pool: guest.pool,
        first_seen_at: seedNow - 45 * DAY,
        created_at: seedNow - 45 * DAY,
      })
    )[0],
  );
  const sessions = seedSessions(guest);
  for (const [k, session] of sessions.entries()) await seedSession(trx, guest, { guestId, session, k, nodeIds });
  const isRunning = sessions.at(-1)?.end === null;
  await trx('spans').insert({
    guest_id: guestId,
    open_guest_id: guestId,
    node_id: place.id,
    state: isRunning ? 'running' : 'stopped',
    pid: isRunning ? 1000 + guestId : null,
    first_sent: Math.round(sessions.at(-1)?.end?.at ?? sessions.at(-1)?.start.at ?? seedNow),
    first_received: Math.round(sessions.at(-1)?.end?.at ?? sessions.at(-1)?.start.at ?? seedNow),
  });
}

async function seedSession(
  trx: Trx,
  guest: SeedGuest,
  { guestId, session, k, nodeIds }: { guestId: number; session: SeedSession; k: number; nodeIds: NodeIds },
): Promise<void> {
  const nodeId = nodeIds.get(session.path.at(-1)?.node ?? guest.node)?.id;
  const upid = (edge: SeedEdge | null): string | null =>
    edge === null || edge.task === null
      ? null
      : `UPID:${guest.node}:0000${1000 + k}:00A0B0C0:6${1_000_000 + k}:${edge.task}:${guest.vmid}:${edge.user}:`;
  const { start, end } = session;
  const inserted = await trx('sessions').insert({
    guest_id: guestId,
    open_guest_id: end === null ? guestId : null,
    start_at: Math.round(start.at),
    start_earliest: start.before === null ? null : Math.round(start.at - start.before),
    start_latest: Math.round(start.at + start.after),
    start_evidence: start.evidence,
    start_upid: upid(start),
    end_at: end === null ? null : Math.round(end.at),
    end_earliest: end === null ? null : Math.round(end.at - (end.before ?? 0)),
    end_latest: end === null ? null : Math.round(end.at + end.after),
    end_evidence: end?.evidence ?? null,
    end_reason: session.reason,
    stop_upid: upid(end),
    user: end?.user ?? null,
    node_id: nodeId,
    created_at: seedNow - DAY,
    updated_at: seedNow - DAY,
  });
  const sessionId = Number(inserted[0]);
  for (const [at, part] of session.path.entries()) {
    const next = session.path[at + 1];
    await trx('segments').insert({
      session_id: sessionId,
      node_id: nodeIds.get(part.node)?.id,
      started_at: Math.round(part.from),
      ended_at: next === undefined ? (end === null ? null : Math.round(end.at)) : Math.round(next.from),
    });
  }
}
