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
  notes: ['The file is read whole before anything is written; one that is torn or was changed is refused.'],
  async run(invocation) {
    const { parts, positionals, values, loadConfig, print } = invocation;
    const file = resolve(positionals[0] ?? '');
    const { verifyBackup } = await import('../ledger/backup/file.js');
    const { checkRestorable, isDatabaseEmpty, loadBackup } = await import('../ledger/backup/load.js');
    const { silentLog } = await import('../log.js');
    const header = await verifyBackup(file);
    await checkRestorable(header);
    const db = await reachDatabase(await loadConfig());
    try {
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
      return 0;
    } finally {
      await db.close();
    }
  },
};

async function saveBefore({ parts, print }: Invocation, db: Database, file: string): Promise<void> {
  const { writeBackup } = await import('../ledger/backup/dump.js');
  await writeBackup(db, file, { version: packageVersion, now: parts.clock.now() });
  print(`✓ what the database held is in ${file}`);
}
