import { ClusterLedger } from '../src/collect/cluster-ledger.js';
import { WriteQueue } from '../src/collect/write-queue.js';
import type { GuestRow, NodeObservation } from '../src/core/observation.js';
import { inTransaction, type Database } from '../src/ledger/database.js';
import { ensureCluster, ensureNode } from '../src/ledger/stores/clusters.js';
import { systemClock } from '../src/clock.js';
import { costOf, medianCost, type Cost } from './measure.js';

const INTERVAL_MS = 30_000;
const WARM_UP = 40;
const IDLE_POLLS = 40;

export interface ApplyCosts {
  first: Cost;
  idle: Cost;
  changed: Cost;
}

/** What it costs to apply a poll of the guests of one node: the first, one without a change, and one in which all changed. */
export async function applyCosts(db: Database, guestCount = 1000): Promise<ApplyCosts> {
  const beganAt = systemClock.now();
  const { clusterId, nodeId } = await inTransaction(db, async (trx) => {
    const cluster = await ensureCluster(trx, 'node:bench', 'bench', beganAt);
    const wanted = {
      clusterId: cluster.id,
      clusterName: 'bench',
      name: 'bench',
      proxmoxName: 'bench',
      hostname: '::1',
    };
    return { clusterId: cluster.id, nodeId: (await ensureNode(trx, wanted, beganAt)).id };
  });
  const ledger = await ClusterLedger.open(db, clusterId, { clock: systemClock, intervalMs: INTERVAL_MS });
  const queue = new WriteQueue(db);
  let at = beganAt;
  let runningSinceAt = beganAt - 3 * 3_600_000;
  let pidBase = 1000;
  const apply = (): Promise<Cost> => {
    at += INTERVAL_MS;
    const observation = observationOf(at, runningSinceAt, pidBase, guestCount);
    return costOf(() => queue.apply(ledger, { nodeId, observation, health: 'online', error: null }));
  };
  const first = await apply();
  const idle: Cost[] = [];
  const changed: Cost[] = [];
  // A manager applies an idle poll every 30 seconds for weeks: what counts is what it costs once the compiler is done with it.
  for (let k = 0; k < WARM_UP; k++) await apply();
  for (let k = 0; k < IDLE_POLLS; k++) idle.push(await apply());
  for (let round = 0; round < 5; round++) {
    // Every guest was stopped and started between two polls: each session ends, and each guest begins another.
    runningSinceAt = at + 12_000;
    pidBase += guestCount;
    changed.push(await apply());
  }
  return { first, idle: medianCost(idle), changed: medianCost(changed) };
}

function observationOf(at: number, runningSinceAt: number, pidBase: number, guestCount: number): NodeObservation {
  const seen = { kind: 'seen' as const, sentAt: at, receivedAt: at + 20 };
  const rows = Array.from({ length: guestCount }, (_, n): GuestRow => ({
    type: 'qemu',
    vmid: 100 + n,
    name: `guest-${n}`,
    status: 'running',
    pid: pidBase + n,
    uptimeS: Math.floor((at - runningSinceAt) / 1000),
    cores: 2,
    memoryBytes: 2 ** 32,
    lock: null,
    qmpstatus: 'running',
    tags: null,
    isTemplate: false,
  }));
  return {
    node: 'bench',
    beganAt: at,
    finishedAt: at + 40,
    qemu: { ...seen, value: rows },
    lxc: { ...seen, value: [] },
    tasks: { ...seen, value: { rows: [], metKnown: false, isComplete: true } },
    offset: { earliestMs: -500, latestMs: 500 },
    status: null,
  };
}
