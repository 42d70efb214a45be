import { resolve } from 'node:path';
import { packageVersion } from '../package-root.js';
import type { Command } from './command.js';
import { reachDatabase } from './with-database.js';

export const backup: Command = {
  name: 'backup',
  summary: 'Write the whole database into a file, also while serve runs',
  operands: ['FILE'],
  notes: [
    'The file is the same for SQLite, MySQL and MariaDB: it can be restored into another kind of database.',
    'It holds no token of config.yaml; keep a copy of that file and of security.secret_key_file beside it.',
  ],
  async run({ parts, positionals, loadConfig, print }) {
    const file = resolve(positionals[0] ?? '');
    const { writeBackup } = await import('../ledger/backup/dump.js');
    const db = await reachDatabase(await loadConfig());
    try {
      const { tables } = await writeBackup(db, file, { version: packageVersion, now: parts.clock.now() });
      const rowCount = Object.values(tables).reduce((sum, table) => sum + table.rowCount, 0);
      print(`✓ ${file}: ${rowCount} rows of ${Object.keys(tables).length} tables`);
      return 0;
    } finally {
      await db.close();
    }
  },
};
