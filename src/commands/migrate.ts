import { UsageError, type Command } from './command.js';
import { reachDatabase } from './with-database.js';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: "Bring the database's tables up to this version",
  options: {
    status: { type: 'boolean', help: 'only show which migrations are done and which are not' },
    unlock: { type: 'boolean', help: 'free the lock that a killed migration left; only while none runs' },
  },
  async run({ values, loadConfig, print }) {
    const isStatus = values['status'] === true;
    const isUnlock = values['unlock'] === true;
    if (isStatus && isUnlock) throw new UsageError('--status and --unlock do not go together: choose one');
    const config = await loadConfig();
    const { migrate, migrationStatus, unlockMigrations } = await import('../ledger/migrations.js');
    const { silentLog } = await import('../log.js');
    const db = await reachDatabase(config);
    try {
      if (isUnlock) {
        const { wasLocked } = await unlockMigrations(db);
        print(`The lock ${wasLocked ? 'is free now' : 'was free already'}: run "proxmox-tracker migrate" again.`);
        return 0;
      }
      if (isStatus) {
        const { applied, pending } = await migrationStatus(db);
        applied.forEach((name) => print(`done     ${name}`));
        pending.forEach((name) => print(`pending  ${name}`));
        print(`${applied.length} done, ${pending.length} pending`);
        return 0;
      }
      const { applied } = await migrate(db, { log: silentLog });
      applied.forEach((name) => print(`done     ${name}`));
      print(
        applied.length === 0
          ? 'The tables are up to date.'
          : `The tables are up to date: ${applied.length} migrations done.`,
      );
      return 0;
    } finally {
      await db.close();
    }
  },
};
