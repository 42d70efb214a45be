import { join } from 'node:path';
import { systemClock } from '../src/clock.js';
import { Collector } from '../src/collect/collect.js';
import { entryChecks } from '../src/config/entry.js';
import { parseConfig } from '../src/config/load.js';
import type { Database } from '../src/ledger/database.js';
import { silentLog } from '../src/log.js';
import { createSecretBox } from '../src/secrets.js';
import type { SimulatedFleet } from './simulated-nodes.js';

/** A manager's polling part over the simulated nodes, its configuration and secret key in `folder`. */
export function fleetCollector(fleet: SimulatedFleet, db: Database, folder: string): Collector {
  const config = parseConfig(fleet.configYaml, { file: join(folder, 'config.yaml'), env: {} });
  const box = createSecretBox(config.security.secretKeyFile);
  return new Collector({ config, db, clock: systemClock, log: silentLog, box, checks: entryChecks });
}
