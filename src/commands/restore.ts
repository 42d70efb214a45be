import { resolve } from 'node:path';
import type { Database } from '../ledger/database.js';
import { packageVersion } from '../package-root.js';
import { CommandError, type Command, type Invocation } from './command.js';
import { reachDatabase } from './with-database.js';

export const restore: Command = {
  name: 'restore',
  summary: 'Put a backup into the configured database; serve must not run',
  operands: ['FILE'],
  options: {
    force: { type: 'boolean', help: 'replace what the database holds; it is backed up beside FILE first' },
  },
  notes: [
    'The file is read whole before anything is written; one that is torn or was changed is refused.',
    'Exit code 1 also where all is restored and the check of the ledger after that finds a contradiction; sessions that nobody has seen for long are none.',
  ],
  async run(invocation) {
    const { parts, positionals, values, loadConfig, print } = invocation;
    const file = resolve(positionals[0] ?? '');
    const { verifyBackup } = await import('../ledger/backup/file.js');
    const { checkRestorable, isDatabaseEmpty, loadBackup } = await import('../ledger/backup/load.js');
    const { silentLog } = await import('../log.js');
    const header = await verifyBackup(file);
    await checkRestorable(header);
    const config = await loadConfig();
    const db = await reachDatabase(config);
    try {
      await refuseBesideServe(db, parts.clock.now(), config.polling.intervalSeconds);
      if (!(await isDatabaseEmpty(db))) {
        if (values['force'] !== true)
          throw new CommandError(`the database ${db.label} is not empty: name another one, or replace it with --force`);
        await saveBefore(invocation, db, `${file}.before-${parts.clock.now()}`);
      }
      await loadBackup(db, file, header, { log: silentLog });
      const rowCount = Object.values(header.tables).reduce((sum, table) => sum + table.rowCount, 0);
      print(`✓ ${rowCount} rows of ${Object.keys(header.tables).length} tables are restored into ${db.label}`);
      const { runChecks } = await import('../ledger/checks.js');
      const findings = await runChecks(db, parts.clock.now());
      print(
        findings.length === 0
          ? '✓ The ledger was checked: nothing contradicts anything else.'
          : `The ledger was checked: ${findings.length} findings; "proxmox-tracker check" tells them.`,
      );
      // A backup of last week leaves open sessions unseen since: that contradicts nothing, and the next poll settles it.
      return findings.every(({ key }) => key.startsWith('unseen-')) ? 0 : 1;
    } finally {
      await db.close();
    }
  },
};

/** Two intervals without a poll tell that no manager polls: one may be missed under load. */
async function refuseBesideServe(db: Database, now: number, intervalSeconds: number): Promise<void> {
  const { lastPollAt } = await import('../ledger/queries/last-poll.js');
  const polledAt = await lastPollAt(db.writer);
  const quietMs = 2 * intervalSeconds * 1000;
  // The other machine's clock may be ahead.
  if (polledAt === null || Math.abs(now - polledAt) >= quietMs) return;
  const waitSeconds = Math.ceil((polledAt + quietMs - now) / 1000);
  throw new CommandError(
    `serve seems to run on ${db.label}, where a poll ended a moment ago: stop it, and call again in ${waitSeconds} s`,
  );
}

async function saveBefore({ parts, print }: Invocation, db: Database, file: string): Promise<void> {
  const { writeBackup } = await import('../ledger/backup/dump.js');
  await writeBackup(db, file, { version: packageVersion, now: parts.clock.now() });
  print(`✓ what the database held is in ${file}`);
}
