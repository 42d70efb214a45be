import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { AcceptCall } from '../core/ingest.js';
import type { Management } from '../core/management.js';
import type { NodeEntries } from '../core/node-entries.js';
import type { PollNow } from '../core/poll-report.js';
import type { Database } from '../ledger/database.js';
import type { Log } from '../log.js';
import type { SecretBox } from '../secrets.js';
import type { Metrics } from './metrics.js';

/** What the web needs of the rest; app.ts hands it in. */
export interface WebParts {
  config: Config;
  db: Database;
  clock: Clock;
  log: Log;
  pollNow: PollNow;
  /** Takes what a push agent says. */
  acceptCall: AcceptCall;
  /** What people change by hand. */
  management: Management;
  /** The entries of `nodes:`. */
  entries: NodeEntries;
  /** Seals what the database holds of secrets. */
  secrets: SecretBox;
  metrics: Metrics;
  /** True once a first round of polls is over. */
  isFirstRoundDone: () => boolean;
  version: string;
}
