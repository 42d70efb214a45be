import type { Config } from '../config/config.js';
import { ConflictError } from '../core/management.js';
import { EntryError, type NodeEntries } from '../core/node-entries.js';
import type { Database } from '../ledger/database.js';
import { CommandError, UsageError, type Invocation } from './command.js';
import { withDatabase } from './with-database.js';

/** Hands one command the entries of configuration and database; what is refused is a sentence, and `serve` sees changes at its next round. */
export async function withEntries<T>(invocation: Invocation, work: (entries: NodeEntries) => Promise<T>): Promise<T> {
  const config = await invocation.loadConfig();
  return withDatabase(invocation, (db) => onEntries(config, db, invocation, work));
}

async function onEntries<T>(
  config: Config,
  db: Database,
  { parts }: Invocation,
  work: (entries: NodeEntries) => Promise<T>,
): Promise<T> {
  const [{ Collector }, { entryChecks }, { createSecretBox }, { checkSecretKey }, { silentLog }] = await Promise.all([
    import('../collect/collect.js'),
    import('../config/entry.js'),
    import('../secrets.js'),
    import('../ledger/stores/secret-check.js'),
    import('../log.js'),
  ]);
  const box = createSecretBox(config.security.secretKeyFile);
  await checkSecretKey(db, box);
  const collector = new Collector({ config, db, clock: parts.clock, log: silentLog, box, checks: entryChecks });
  try {
    return await work(collector.entries);
  } catch (error) {
    if (error instanceof EntryError) throw new UsageError(error.message);
    throw error instanceof ConflictError ? new CommandError(error.message) : error;
  } finally {
    for (const member of collector.roster.members.values()) await member.polling?.catch(() => undefined);
    collector.roster.close();
  }
}
