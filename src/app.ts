import type { Clock } from './clock.js';
import { Collector } from './collect/collect.js';
import { Pulse } from './collect/pulse.js';
import { Schedule } from './collect/schedule.js';
import type { Config } from './config/config.js';
import { entryChecks } from './config/entry.js';
import type { AcceptCall } from './core/ingest.js';
import type { PollNow, PollReport } from './core/poll-report.js';
import { checkConnection, inTransaction, openDatabase, type Database } from './ledger/database.js';
import { migrate, migrationStatus } from './ledger/migrations.js';
import { countUsers, createSetupLink } from './ledger/access.js';
import { checkSecretKey } from './ledger/stores/secret-check.js';
import { dailyWork } from './daily.js';
import type { Log } from './log.js';
import { packageVersion as version } from './package-root.js';
import { createSecretBox } from './secrets.js';
import { entriesDuring, managementDuring, underWay } from './under-way.js';
import { createMetrics } from './web/metrics.js';
import { createWeb, type Web } from './web/server.js';

export interface AppParts {
  clock: Clock;
  log: Log;
  /** False: `serve` leaves the database's tables as they are, and refuses to start where they are behind. */
  shouldMigrate?: boolean;
  /** True: the caller makes the first user itself, so no set-up link is logged. */
  isDemo?: boolean;
}

export interface App {
  /** Migrates, begins to poll and listens; yields the address that a browser can open. */
  start(): Promise<{ url: string }>;
  /** Ends listening, waits for polls under way, and closes the database. */
  stop(): Promise<void>;
  pollNow: PollNow;
  /** One round of polls without schedule or web: what `once` does. */
  once(): Promise<PollReport>;
  /** Whether the poll loop lives: what a watchdog wants to know. */
  isPolling(): boolean;
  readonly collector: Collector;
  readonly db: Database;
}

/** The composition root: config -> database -> proxmox -> collect -> web. */
export function createApp(config: Config, parts: AppParts): App {
  const { clock, log } = parts;
  const { db, box, metrics, collector, pulse, schedule, stopping } = assemble(config, parts);
  const { during, settled } = underWay();
  const pollNow: PollNow = (request) => during(collector.pollNow(request));
  const acceptCall: AcceptCall = (call) => during(collector.acceptCall(call));
  const management = managementDuring(collector.management, during);
  const entries = entriesDuring(collector.entries, during);
  let web: Web | null = null;
  let isFirstRoundDone = false;
  const work = { pollNow, acceptCall, management, entries, secrets: box, isFirstRoundDone: () => isFirstRoundDone };

  const prepare = async (): Promise<void> => {
    await prepareDatabase(db, config, parts);
    await checkSecretKey(db, box);
  };

  return {
    pollNow,
    collector,
    db,
    isPolling: () => pulse.isAlive(),
    async once() {
      await prepare();
      return wholeRound(collector);
    },
    async start() {
      await prepare();
      web = createWeb({ config, db, clock, log, ...work, metrics, version });
      const { url, port } = await web.listen();
      log.info('listening', { url });
      if (parts.isDemo !== true)
        await logSetupLink(db, config.server.publicUrl ?? reachable(url, port), { clock, log });
      if ((await collector.entries.list()).length === 0)
        log.warn('there is no node yet, so nothing is polled; the overview page says what to do next');
      schedule.start();
      const first = during(wholeRound(collector)).finally(() => (isFirstRoundDone = true));
      logFirstPoll(first, log);
      return { url };
    },
    async stop() {
      stopping.abort();
      await web?.close();
      await schedule.stop();
      // A round that was asked for still polls and writes: connections and database are closed after it.
      await settled();
      collector.roster.close();
      await db.close();
    },
  };
}

function assemble(config: Config, { clock, log }: AppParts) {
  const db = openDatabase(config.database);
  const box = createSecretBox(config.security.secretKeyFile);
  const metrics = createMetrics({ db, clock });
  const collector = new Collector({ config, db, clock, log, box, checks: entryChecks, meter: metrics });
  const pulse = new Pulse(clock, config.polling);
  const stopping = new AbortController();
  const daily = (): Promise<void> => dailyWork(db, config, { clock, log }, stopping.signal);
  const beat = (): void => pulse.beat();
  const schedule = new Schedule(collector, config.polling.intervalSeconds, log, daily, beat, metrics);
  return { db, box, metrics, collector, pulse, schedule, stopping };
}

/** The database answers, and its tables are those of this version. */
async function prepareDatabase(db: Database, config: Config, parts: AppParts): Promise<void> {
  await checkConnection(db, config.database);
  if (parts.shouldMigrate ?? true) {
    await migrate(db, { log: parts.log });
    return;
  }
  const { pending } = await migrationStatus(db);
  if (pending.length > 0) {
    throw new Error(`the database lacks ${pending.length} migrations: run "proxmox-tracker migrate" first`);
  }
}

/** A round of polls that ends with who every guest is. */
async function wholeRound(collector: Collector): Promise<PollReport> {
  const report = await collector.pollNow({ nodes: null });
  await collector.settle(report);
  return report;
}

function logFirstPoll(polled: Promise<PollReport>, log: Log): void {
  void polled
    .then((report) => log.info('first poll done', { nodes: report.nodes.length, sessions: report.sessionsCreated }))
    .catch((error: unknown) => log.error('the first poll failed', { error: String(error) }));
}

/** With no user yet, one line with a one-time link on an address that a browser can open. */
async function logSetupLink(
  db: Database,
  base: string,
  { clock, log }: Pick<AppParts, 'clock' | 'log'>,
): Promise<void> {
  if ((await countUsers(db.reader)) > 0) return;
  const token = await inTransaction(db, (trx) => createSetupLink(trx, clock.now()));
  log.info(`no user yet: open ${base.replace(/\/$/, '')}/setup/${token} to make the first one`);
}

/** A wildcard address is none to open: this machine's loopback is. */
function reachable(url: string, port: number): string {
  const { protocol, hostname } = new URL(url);
  return hostname === '0.0.0.0' || hostname === '[::]' ? `${protocol}//127.0.0.1:${port}` : url;
}
