import type { Database } from '../ledger/database.js';
import type { AuditWish } from '../ledger/access.js';
import { CommandError, type Invocation } from './command.js';

/**
 * Opens the configured database for one command, hands it over, and closes it also when the work throws. A new database gets its
 * tables; one whose tables are behind is refused, because a manager of the older version may be running on it.
 */
export async function withDatabase<T>(invocation: Invocation, work: (db: Database) => Promise<T>): Promise<T> {
  const config = await invocation.loadConfig();
  const { openDatabase, migrate, migrationStatus } = await import('../ledger/database.js');
  const { silentLog } = await import('../log.js');
  const db = openDatabase(config.database);
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

/** What the audit log says of a change made by command. */
export function byCommand(at: number, action: string, subject: string, after?: unknown): AuditWish {
  return { at, actor: 'command line', address: null, action, subject, ...(after === undefined ? {} : { after }) };
}
