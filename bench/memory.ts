import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../src/ledger/database.js';
import { migrate } from '../src/ledger/migrations.js';
import { silentLog } from '../src/log.js';
import { fleetCollector } from './fleet-collector.js';
import type { SimulatedFleet } from './simulated-nodes.js';

/** Memory of a manager alone in its process, in MiB. */
export interface MemoryFigures {
  /** Node, the TypeScript loader, the libraries and a migrated database. */
  beforeMib: number;
  /** After first contact and twenty cycles back to back. */
  afterMib: number;
  heapMib: number;
}

const CYCLES = 20;
const MIB = 2 ** 20;

const [fleet] = (await once(process, 'message')) as [SimulatedFleet];
const folder = mkdtempSync(join(tmpdir(), 'tracker-bench-'));
const db = openDatabase({ type: 'sqlite', file: join(folder, 'bench.sqlite') });
await migrate(db, { log: silentLog });
const collector = fleetCollector(fleet, db, folder);
const beforeMib = process.memoryUsage.rss() / MIB;
await collector.pollNow({ nodes: null });
await collector.identities.idle();
for (let k = 0; k < CYCLES; k++) await collector.pollNow({ nodes: null });
const { rss, heapUsed } = process.memoryUsage();
const figures: MemoryFigures = { beforeMib, afterMib: rss / MIB, heapMib: heapUsed / MIB };
collector.roster.close();
await db.close();
rmSync(folder, { recursive: true, force: true });
process.send?.(figures);
process.disconnect();
