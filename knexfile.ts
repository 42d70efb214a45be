import { fileURLToPath } from 'node:url';
import type { Knex } from 'knex';
import { loadConfig } from './src/config/load.js';
import { knexConfig, prepareSqliteFile } from './src/ledger/connect.js';
import { migrationSource } from './src/ledger/migration-source.js';

// The database of the config file that TRACKER_CONFIG names, else of ./config.yaml: the one that `serve` would use.
const { database } = loadConfig(process.env['TRACKER_CONFIG'] ?? 'config.yaml', process.env);
if (database.type === 'sqlite') prepareSqliteFile(database.file);

const { log: _unused, ...config } = knexConfig(database, 'writer');

const knexfile: Knex.Config = {
  ...config,
  migrations: {
    migrationSource,
    // No `directory` here, or Knex would put its own source in place of ours; migrate:make writes into ./migrations anyway.
    extension: 'ts',
    stub: fileURLToPath(new URL('migrations/migration.stub', import.meta.url)),
  },
};

export default knexfile;
