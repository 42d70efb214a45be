import type { Clock } from './clock.js';
import type { Config } from './config/config.js';
import { runChecks } from './ledger/checks.js';
import type { Database } from './ledger/database.js';
import { purgeOld } from './ledger/retention.js';
import type { Log } from './log.js';

interface Parts {
  clock: Clock;
  log: Log;
}

/** What is done once a day: what is kept no longer goes, and the ledger is checked. After an abort nothing is begun. */
export async function dailyWork(db: Database, config: Config, parts: Parts, signal: AbortSignal): Promise<void> {
  await purgeDaily(db, config, parts, signal);
  if (!signal.aborted) await checkDaily(db, parts);
}

/** What is kept no longer goes; a run that fails takes no check with it. */
async function purgeDaily(
  db: Database,
  { retention }: Config,
  { clock, log }: Parts,
  signal: AbortSignal,
): Promise<void> {
  try {
    const purged = await purgeOld(db, { now: clock.now(), ...retention, signal });
    log.info('what is kept no longer was removed', { ...purged });
  } catch (error) {
    log.error('old rows could not be removed; it is tried again tomorrow', {
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

/** The sanity checker's daily run: what it finds waits on the page Checks. */
async function checkDaily(db: Database, { clock, log }: Parts): Promise<void> {
  const findings = await runChecks(db, clock.now());
  if (findings.length > 0)
    log.warn('the ledger was checked: findings wait on the page Checks', { findings: findings.length });
  else log.info('the ledger was checked: nothing contradicts anything else');
}
