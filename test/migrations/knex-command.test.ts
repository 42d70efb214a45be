import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { DatabaseConfig } from '../../src/config/config.js';
import { openDatabase } from '../../src/ledger/database.js';
import { migrate, migrationStatus } from '../../src/ledger/migrations.js';
import { silentLog } from '../../src/log.js';
import { packageRoot } from '../../src/package-root.js';
import { forEachDatabase } from '../support/databases.js';
import { MIGRATION_COUNT, TABLES, tablesOf } from './tables.js';

const run = promisify(execFile);

describe('the knex command', function () {
  this.timeout(120_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-knex-test-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Exactly what `npx knex` starts, on this database. */
  async function knex(config: DatabaseConfig, args: string[], cwd = packageRoot): Promise<string> {
    const file = join(folder, 'config.yaml');
    writeFileSync(file, JSON.stringify({ database: databaseKeys(config), nodes: [] }));
    const module = join(packageRoot, 'node_modules/knex/knex.js');
    const env = { ...process.env, TRACKER_CONFIG: file, NODE_OPTIONS: '', FORCE_COLOR: '0', KNEX_PATH: module };
    const command = join(packageRoot, 'node_modules/.bin/knex');
    const { stdout } = await run(command, args, { cwd, env });
    return stdout;
  }

  forEachDatabase((_name, _open, fresh) => {
    it('finds nothing to do after migrate(), and takes back what that applied', async () => {
      const config = await fresh.migrated();
      expect(await knex(config, ['migrate:latest'])).to.contain('Already up to date');
      const status = await knex(config, ['migrate:status']);
      expect(status).to.contain(`Found ${MIGRATION_COUNT} Completed Migration file/files`);
      expect(status).to.contain('No Pending Migration files Found');
      expect(await knex(config, ['migrate:rollback', '--all'])).to.contain(`${MIGRATION_COUNT} migrations`);
      const db = openDatabase(config);
      expect(await tablesOf(db)).to.deep.equal([]);
      await db.close();
    });

    it('migrates an empty database so that migrate() finds nothing to do', async () => {
      const config = await fresh.empty();
      expect(await knex(config, ['migrate:latest'])).to.contain(`${MIGRATION_COUNT} migrations`);
      const db = openDatabase(config);
      try {
        expect((await migrationStatus(db)).pending).to.deep.equal([]);
        expect(await migrate(db, { log: silentLog })).to.deep.equal({ applied: [] });
        expect(await tablesOf(db)).to.deep.equal(TABLES);
      } finally {
        await db.close();
      }
    });
  });

  it('makes a new migration in TypeScript beside the knexfile', async () => {
    const config: DatabaseConfig = { type: 'sqlite', file: join(folder, 'make.sqlite') };
    // In a folder of its own, so that no other test meets the new migration.
    const checkout = join(folder, 'checkout');
    mkdirSync(checkout);
    writeFileSync(join(checkout, 'package.json'), '{ "type": "module" }');
    writeFileSync(
      join(checkout, 'knexfile.js'),
      `export { default } from ${JSON.stringify(pathToFileURL(join(packageRoot, 'knexfile.js')).href)};`,
    );
    await knex(config, ['migrate:make', 'racks_hold_nodes'], checkout);
    const made = readdirSync(join(checkout, 'migrations'));
    expect(made).to.have.length(1);
    expect(made[0]).to.match(/^\d{14}_racks_hold_nodes\.ts$/);
    const text = readFileSync(join(checkout, 'migrations', made[0] ?? ''), 'utf8');
    expect(text).to.contain('export async function up(knex: Knex): Promise<void>');
    expect(text).to.contain('export async function down(knex: Knex): Promise<void>');
  });
});

function databaseKeys(config: DatabaseConfig): Record<string, unknown> {
  if (config.type === 'sqlite') return config;
  const { poolSize, ...keys } = config;
  return { ...keys, pool_size: poolSize };
}
