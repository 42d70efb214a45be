import { expect } from 'chai';
import type { DatabaseConfig } from '../../src/config/config.js';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { migrationSource } from '../../src/ledger/migration-source.js';
import { LOCK_TABLE, MIGRATION_TABLE } from '../../src/ledger/migration-tables.js';
import { migrate, migrationStatus, unlockMigrations } from '../../src/ledger/migrations.js';
import { silentLog } from '../../src/log.js';
import { forEachDatabase } from '../support/databases.js';
import { startProcess } from '../support/processes.js';
import { MIGRATION_COUNT, TABLES, tablesOf } from './tables.js';

const quick = { log: silentLog, waitMs: 200, pollMs: 20 };

describe('the migrations', () => {
  forEachDatabase((_name, _open, fresh) => {
    let config: DatabaseConfig;
    let db: Database;
    beforeEach(async function () {
      this.timeout(60_000);
      config = await fresh.empty();
      db = openDatabase(config);
    });
    afterEach(() => db.close());

    it('go up, down and up again, and leave no table behind when they are down', async function () {
      this.timeout(120_000);
      const names = await migrationSource.getMigrations([]);
      expect((await migrate(db, quick)).applied).to.deep.equal(names);
      expect(await tablesOf(db)).to.deep.equal(TABLES);
      await db.writer.migrate.rollback({ migrationSource }, true);
      expect(await tablesOf(db)).to.deep.equal([]);
      expect((await migrationStatus(db)).pending).to.deep.equal(names);
      expect((await migrate(db, quick)).applied).to.deep.equal(names);
      expect(await tablesOf(db)).to.deep.equal(TABLES);
    });

    it('are applied once by two processes that start at the same moment on an empty database', async function () {
      this.timeout(120_000);
      const processes = [1, 2].map(() => startProcess('test/migrations/migrate-process.ts', [JSON.stringify(config)]));
      await Promise.all(processes.map((one) => one.line('ready')));
      for (const one of processes) one.say('go');
      const ends = await Promise.all(processes.map((one) => one.end()));
      expect(ends.map((end) => end.code)).to.deep.equal([0, 0], ends.map((end) => end.errors).join('\n'));
      const counts = ends.map((end) => Number(end.lines.at(-1)));
      expect(counts.sort((a, b) => a - b)).to.deep.equal([0, MIGRATION_COUNT]);
      expect(await db.writer(LOCK_TABLE).select('is_locked')).to.deep.equal([{ is_locked: 0 }]);
      expect(await tablesOf(db)).to.deep.equal(TABLES);
    });

    it('name a lock that is not let go of and the command that frees it, which then works', async function () {
      this.timeout(120_000);
      await migrationsTables(db);
      await db.writer(LOCK_TABLE).update({ is_locked: 1 });
      const error = await migrate(db, quick).catch((reason: unknown) => reason);
      expect(error).to.have.property('name', 'MigrationError');
      expect(error).to.have.property('message').that.contains(LOCK_TABLE);
      expect(error).to.have.property('message').that.contains('proxmox-tracker migrate --unlock');
      expect(await unlockMigrations(db)).to.deep.equal({ wasLocked: true });
      expect((await migrate(db, quick)).applied).to.have.length(MIGRATION_COUNT);
      expect(await unlockMigrations(db)).to.deep.equal({ wasLocked: false });
    });

    it('wait for another process that lets go of the lock', async function () {
      this.timeout(120_000);
      await migrationsTables(db);
      await db.writer(LOCK_TABLE).update({ is_locked: 1 });
      let said = 0;
      const log = {
        ...silentLog,
        info: () => {
          said++;
          void db.writer(LOCK_TABLE).update({ is_locked: 0 }).then();
        },
      };
      const { applied } = await migrate(db, { log, waitMs: 60_000, pollMs: 20 });
      expect(applied).to.have.length(MIGRATION_COUNT);
      expect(said).to.equal(1);
    });

    it('say that a database is of a newer version, and leave it alone', async () => {
      await migrationsTables(db);
      await db.writer(MIGRATION_TABLE).insert({ name: '29990101000000_from_the_future', batch: 1 });
      const error = await migrate(db, quick).catch((reason: unknown) => reason);
      expect(error).to.have.property('message').that.contains('29990101000000_from_the_future');
      expect(error).to.have.property('message').that.contains('newer version');
      expect(await tablesOf(db)).to.deep.equal([]);
    });
  });

  it('have names without extension, in the order of their dates', async () => {
    const names = await migrationSource.getMigrations([]);
    expect(names).to.have.length(MIGRATION_COUNT);
    for (const name of names) expect(name).to.match(/^\d{14}_[a-z_]+$/);
    expect([...names].sort()).to.deep.equal(names);
  });
});

/** Knex's own two tables, made and nothing migrated. */
async function migrationsTables(db: Database): Promise<void> {
  await db.writer.migrate.currentVersion({ migrationSource });
}
