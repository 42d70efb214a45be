import type { Config } from '../config/config.js';
import type { Database } from '../ledger/database.js';
import type { AuditWish } from '../ledger/access.js';
import { CommandError, type Invocation } from './command.js';

/**
 * Opens the configured database for one command, hands it over, and closes it also when the work throws. A new database gets its
 * tables; one whose tables are behind is refused, because a manager of the older version may be running on it.
 */
export async function withDatabase<T>(invocation: Invocation, work: (db: Database) => Promise<T>): Promise<T> {
  const config = await invocation.loadConfig();
  const { migrate, migrationStatus } = await import('../ledger/migrations.js');
  const { silentLog } = await import('../log.js');
  const db = await reachDatabase(config);
  try {
    const { applied, pending } = await migrationStatus(db);
    if (applied.length === 0) await migrate(db, { log: silentLog });
    else if (pending.length > 0) {
      throw new CommandError(
        `the database lacks ${pending.length} migrations of this version: run "proxmox-tracker migrate" first`,
      );
    }
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Opens the database of a configuration and asks it one question; throws with a sentence where it does not answer. The caller closes it. */
export async function reachDatabase(config: Config): Promise<Database> {
  const { checkConnection, openDatabase } = await import('../ledger/database.js');
  const db = openDatabase(config.database);
  try {
    await checkConnection(db, config.database);
    return db;
  } catch (error) {
    await db.close();
    throw error;
  }
}

/** What the audit log says of a change made by command. */
export function byCommand(at: number, action: string, subject: string, after?: unknown): AuditWish {
  return { at, actor: 'command line', address: null, action, subject, ...(after === undefined ? {} : { after }) };
}
