import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../../src/config/load.js';
import { Collector } from '../../../src/collect/collect.js';
import type { AcceptCall } from '../../../src/core/ingest.js';
import type { PollNow, PollReport } from '../../../src/core/poll-report.js';
import { addUser, createSetupLink } from '../../../src/ledger/access.js';
import { inTransaction, openDatabase, type Database } from '../../../src/ledger/database.js';
import { migrate } from '../../../src/ledger/migrations.js';
import { silentLog } from '../../../src/log.js';
import { createSecretBox } from '../../../src/secrets.js';
import { createMetrics } from '../../../src/web/metrics.js';
import { createWeb } from '../../../src/web/server.js';
import { seedNow } from './seed-plan.js';
import { entryParts } from '../../support/entry-parts.js';

export interface Site {
  url: string;
  db: Database;
  /** Moves the site's clock on. */
  pass(ms: number): void;
  /** The one-time link's path. */
  setupLink(): Promise<string>;
  close(): Promise<void>;
}

export const siteUser = { name: 'admin', password: 'a password for tests', role: 'admin' as const };
export const siteViewer = { name: 'viewer', password: 'a password for tests', role: 'viewer' as const };

const report: PollReport = {
  nodes: [
    { node: 'pve-01', isSeen: true, error: null, guestCount: 14, changes: ['qemu 104 vGPU-1 started'] },
    { node: 'pve-02', isSeen: true, error: null, guestCount: 12, changes: [] },
    { node: 'pve-04', isSeen: false, error: 'connection refused', guestCount: 0, changes: [] },
  ],
  sessionsCreated: 1,
  sessionsUpdated: 0,
  sessionsSkipped: 25,
};

/** The real web server on a database of its own in a temporary folder; polls answer with a report that is always the same. */
export async function openSite(
  options: { fill?: (db: Database) => Promise<void>; users?: boolean } = {},
): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-pages-'));
  const db = openDatabase({ type: 'sqlite', file: join(folder, 'pages.sqlite') });
  await migrate(db, { log: silentLog });
  await options.fill?.(db);
  if (options.users !== false) {
    await inTransaction(db, (trx) => addUser(trx, siteUser, seedNow));
    await inTransaction(db, (trx) => addUser(trx, siteViewer, seedNow));
  }
  const text = 'server: { host: 127.0.0.1, port: 8000 }\nbilling: { time_zone: Europe/Berlin }\n';
  const parsed = parseConfig(text, { file: join(folder, 'config.yaml'), env: {} });
  const config = { ...parsed, server: { ...parsed.server, port: 0 } };
  let now = seedNow;
  const clock = { now: () => now, monotonicMs: () => now };
  const pollNow: PollNow = () => Promise.resolve(report);
  const collector = new Collector({ config, db, clock, log: silentLog, ...entryParts() });
  const acceptCall: AcceptCall = (call) => collector.acceptCall(call);
  const { management, entries } = collector;
  const secrets = createSecretBox(config.security.secretKeyFile);
  const metrics = createMetrics({ db, clock, watchesProcess: false });
  const work = { pollNow, acceptCall, management, entries, secrets, isFirstRoundDone: () => true };
  const web = createWeb({ config, db, clock, log: silentLog, ...work, metrics, version: '0.1.0' });
  const { url } = await web.listen();
  return {
    url: url.replace(/\/$/, ''),
    db,
    pass: (ms) => (now += ms),
    setupLink: async () => `/setup/${await inTransaction(db, (trx) => createSetupLink(trx, now))}`,
    close: async () => {
      await web.close();
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
