import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Collector } from '../src/collect/collect.js';
import { openDatabase, type Database } from '../src/ledger/database.js';
import { migrate } from '../src/ledger/migrations.js';
import { silentLog } from '../src/log.js';
import { applyCosts } from './apply-poll.js';
import { BareLoop } from './bare-loop.js';
import { costOf, grown, median, medianCost, rowCounts, type Cost } from './measure.js';
import type { MemoryFigures } from './memory.js';
import { fleetCollector } from './fleet-collector.js';
import type { SimulatedFleet } from './simulated-nodes.js';

const IDLE_CYCLES = 20;
const COLD_CYCLES = 5;
/** Longer than a kept connection is trusted: each cycle then begins with handshakes, as one every 30 s does. */
const COLD_PAUSE_MS = 4_200;
/** Asked of each entry every five minutes beside the polls: who its cluster is (3), and the node's status (1). */
const SELDOM_REQUESTS = 4 / 10;

/** A manager alone in its process, so that the bare loop's memory is not counted as ours. */
async function memoryFigures(fleet: SimulatedFleet): Promise<MemoryFigures> {
  const child = fork(fileURLToPath(new URL('./memory.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] });
  child.send(fleet);
  const [figures] = (await once(child, 'message')) as [MemoryFigures];
  return figures;
}

/** One cycle that must have seen every node: a figure of a cycle that failed is none. */
async function cycle(collector: Collector): Promise<void> {
  const { nodes } = await collector.pollNow({ nodes: null });
  const unseen = nodes.filter(({ isSeen }) => !isSeen);
  if (nodes.length !== 50 || unseen.length > 0) {
    throw new Error(
      `${nodes.length} nodes polled, not seen: ${unseen.map(({ node, error }) => `${node} ${error}`).join('; ')}`,
    );
  }
}

interface Pair {
  manager: Cost[];
  bare: Cost[];
}

async function startFleet(): Promise<{ child: ChildProcess; fleet: SimulatedFleet }> {
  const file = fileURLToPath(new URL('./simulated-nodes.ts', import.meta.url));
  const child = fork(file, { execArgv: ['--import', 'tsx'] });
  const [fleet] = (await once(child, 'message')) as [SimulatedFleet];
  return { child, fleet };
}

/** The two in turns, so that what else the machine does meanwhile falls on both. */
async function alternate(count: number, collector: Collector, bare: BareLoop, pauseMs: number): Promise<Pair> {
  const pair: Pair = { manager: [], bare: [] };
  for (let k = 0; k < count; k++) {
    if (pauseMs > 0) {
      bare.close();
      await pause(pauseMs);
    }
    pair.manager.push(await costOf(() => cycle(collector)));
    pair.bare.push(await costOf(() => bare.cycle()));
  }
  return pair;
}

function requestsOf(collector: Collector, isCluster: boolean): number {
  return collector.roster.entries
    .filter(({ config }) => config.name.startsWith('c') === isCluster)
    .reduce((sum, { api, through }) => sum + api.requestCount + through.requestCount, 0);
}

interface IdleFigures {
  warm: Pair;
  perNode: { cluster: number; standalone: number };
  handshakes: number;
  rows: string;
}

async function idleFigures(collector: Collector, bare: BareLoop, db: Database): Promise<IdleFigures> {
  const before = {
    cluster: requestsOf(collector, true),
    standalone: requestsOf(collector, false),
    handshakes: collector.roster.traffic.handshakeCount,
    rows: await rowCounts(db),
  };
  const warm = await alternate(IDLE_CYCLES, collector, bare, 0);
  return {
    warm,
    perNode: {
      cluster: (requestsOf(collector, true) - before.cluster) / 48 / IDLE_CYCLES,
      standalone: (requestsOf(collector, false) - before.standalone) / 2 / IDLE_CYCLES,
    },
    handshakes: collector.roster.traffic.handshakeCount - before.handshakes,
    rows: grown(before.rows, await rowCounts(db)),
  };
}

function ratioOf(pair: Pair): number {
  return median(pair.manager.map(({ wallMs }, k) => wallMs / (pair.bare[k]?.wallMs ?? NaN)));
}

const show = ({ wallMs, cpuMs }: Cost): string => `${wallMs.toFixed(0)} ms wall, ${cpuMs.toFixed(0)} ms CPU`;

function table(rows: [figure: string, measured: string, target: string][]): string {
  const lines = rows.map((cells) => `| ${cells.join(' | ')} |`);
  return ['| figure | measured | target |', '|---|---|---|', ...lines].join('\n');
}

async function measure(fleet: SimulatedFleet, db: Database, folder: string): Promise<string> {
  const collector = fleetCollector(fleet, db, folder);
  const bare = new BareLoop(fleet);
  const first = await costOf(() => cycle(collector));
  const firstHandshakes = collector.roster.traffic.handshakeCount;
  // Beside the polls each guest's config is read once; the next cycle writes what was found.
  const identities = await costOf(() => collector.identities.idle());
  await cycle(collector);
  await collector.identities.idle();
  await bare.cycle();
  const { warm, perNode, handshakes, rows } = await idleFigures(collector, bare, db);
  const cold = await alternate(COLD_CYCLES, collector, bare, COLD_PAUSE_MS);
  collector.roster.close();
  bare.close();
  const memory = await memoryFigures(fleet);
  const apply = await applyCosts(db);
  return table([
    ['first cycle: discovery, 130 tasks and 100 guests a node', show(first), ''],
    ['reading the 5,000 configs after it', show(identities), ''],
    ['idle cycle, connections kept', show(medianCost(warm.manager)), 'wall 2000 ms'],
    ['the same requests by a bare got loop', show(medianCost(warm.bare)), ''],
    ['ratio of wall times, connections kept', ratioOf(warm).toFixed(2), '1.5'],
    ['idle cycle, connections new (as every 30 s)', show(medianCost(cold.manager)), 'wall 2000 ms'],
    ['the same by a bare got loop', show(medianCost(cold.bare)), ''],
    ['ratio of wall times, connections new', ratioOf(cold).toFixed(2), '1.5'],
    [
      'memory of a manager alone: RSS at start, after 21 cycles (heap in use)',
      `${memory.beforeMib.toFixed(0)} MiB, ${memory.afterMib.toFixed(0)} MiB (${memory.heapMib.toFixed(0)} MiB)`,
      '250 MiB',
    ],
    ['requests per node and cycle, clusters of three', withSeldom(perNode.cluster), '4.0'],
    ['requests per node and cycle, standalone', withSeldom(perNode.standalone), '4.5'],
    ['TLS handshakes: first cycle, then 20 idle ones', `${firstHandshakes}, ${handshakes}`, ''],
    ['rows written in 20 idle cycles', rows, `polls +${50 * IDLE_CYCLES}`],
    ['applying a poll of 1,000 guests: the first', show(apply.first), ''],
    ['applying it without a change', show(apply.idle), ''],
    ['applying it with 1,000 changes', show(apply.changed), ''],
  ]);
}

function withSeldom(perCycle: number): string {
  return `${perCycle.toFixed(2)}; at 30 s with what is asked every five minutes ${(perCycle + SELDOM_REQUESTS).toFixed(2)}`;
}

const folder = mkdtempSync(join(tmpdir(), 'tracker-bench-'));
const { child, fleet } = await startFleet();
const db = openDatabase({ type: 'sqlite', file: join(folder, 'bench.sqlite') });
try {
  await migrate(db, { log: silentLog });
  process.stdout.write(`${await measure(fleet, db, folder)}\n`);
} finally {
  await db.close();
  child.disconnect();
  rmSync(folder, { recursive: true, force: true });
}
