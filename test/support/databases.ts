import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import knex, { type Knex } from 'knex';
import type { DatabaseConfig } from '../../src/config/config.js';
import { openDatabase, rowsOf, type Database } from '../../src/ledger/database.js';
import { migrate } from '../../src/ledger/migrations.js';
import { silentLog } from '../../src/log.js';
import { mariadbFault, startMariadb, type MariadbServer } from './mariadb.js';

export interface FreshDatabases {
  /** A new, empty database, for tests that migrate it themselves or open it from another process. */
  empty(): Promise<DatabaseConfig>;
  /** A new database at the newest migration. */
  migrated(): Promise<DatabaseConfig>;
}

type Open = () => Promise<Database>;

/**
 * Defines the same tests on SQLite and on a private MariaDB that is started once a mocha run. `open` yields a new migrated
 * database at each call; it is closed and removed when the suite ends. Where MariaDB is missing its tests are skipped with
 * a line that says so, and fail in CI.
 */
export function forEachDatabase(define: (name: string, open: Open, fresh: FreshDatabases) => void): void {
  for (const kind of [sqlite, mariadb]) {
    describe(`on ${kind.name}`, function () {
      const opened: Database[] = [];
      const made: DatabaseConfig[] = [];
      const keep = (config: DatabaseConfig): DatabaseConfig => {
        made.push(config);
        return config;
      };
      const fresh: FreshDatabases = {
        empty: async () => keep(await kind.empty()),
        migrated: async () => keep(await kind.migrated()),
      };
      before(async function () {
        this.timeout(120_000);
        const fault = kind.fault();
        if (fault === null) return kind.prepare();
        if (process.env['CI'] === 'true') throw new Error(fault);
        process.stderr.write(`SKIPPED: ${fault}\n`);
        this.skip();
      });
      after(async () => {
        for (const db of opened) await db.close();
        for (const config of made) await kind.remove(config);
      });
      define(
        kind.name,
        async () => {
          const db = openDatabase(await fresh.migrated());
          opened.push(db);
          return db;
        },
        fresh,
      );
    });
  }
}

interface Kind extends FreshDatabases {
  name: string;
  /** Why it cannot be tested here; null: it can. */
  fault(): string | null;
  /** What is done once a run, so that no test pays for it. */
  prepare(): Promise<void>;
  remove(config: DatabaseConfig): Promise<void>;
}

const folder: { path: string | null } = { path: null };

function temporaryFile(): string {
  if (folder.path === null) {
    const path = mkdtempSync(join(tmpdir(), 'tracker-sqlite-'));
    folder.path = path;
    process.on('exit', () => rmSync(path, { recursive: true, force: true }));
  }
  return join(folder.path, `${randomBytes(6).toString('hex')}.sqlite`);
}

let sqliteTemplate: Promise<string> | null = null;

const sqlite: Kind = {
  name: 'SQLite',
  fault: () => null,
  prepare: async () => {
    await template();
  },
  empty: () => Promise.resolve({ type: 'sqlite', file: temporaryFile() }),
  migrated: async () => {
    // Migrated once and copied: that takes a hundredth of the time.
    const file = temporaryFile();
    copyFileSync(await template(), file);
    return { type: 'sqlite', file };
  },
  remove: (config) => {
    if (config.type === 'sqlite') for (const end of ['', '-wal', '-shm']) rmSync(config.file + end, { force: true });
    return Promise.resolve();
  },
};

function template(): Promise<string> {
  sqliteTemplate ??= (async () => {
    const file = temporaryFile();
    await migrateConfig({ type: 'sqlite', file });
    return file;
  })();
  return sqliteTemplate;
}

let server: Promise<MariadbServer> | null = null;

const mariadb: Kind = {
  name: 'MariaDB',
  fault: mariadbFault,
  prepare: async () => {
    await schemaStatements();
  },
  empty: async () => {
    const { host, port, user, password } = await mariadbServer();
    const database = `t_${randomBytes(6).toString('hex')}`;
    await asAdministrator((admin) =>
      admin.raw(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci`),
    );
    return { type: 'mysql', host, port, user, password, database, poolSize: 5 };
  },
  migrated: async () => {
    const statements = await schemaStatements();
    const config = await mariadb.empty();
    if (config.type === 'mysql') await asAdministrator((admin) => replay(admin, statements), config.database);
    return config;
  },
  remove: (config) =>
    config.type === 'mysql'
      ? asAdministrator((admin) => admin.raw(`DROP DATABASE IF EXISTS ${config.database}`))
      : Promise.resolve(),
};

function mariadbServer(): Promise<MariadbServer> {
  server ??= startMariadb();
  return server;
}

let schema: Promise<string[]> | null = null;

function schemaStatements(): Promise<string[]> {
  schema ??= readSchema();
  return schema;
}

/** The statements that make a migrated database, read from one that was migrated: replaying them is much quicker. */
async function readSchema(): Promise<string[]> {
  const template = await mariadb.empty();
  await migrateConfig(template);
  if (template.type !== 'mysql') return [];
  return asAdministrator(async (admin) => {
    const tables = rowsOf(await admin.raw('SHOW TABLES')).map((row) => String(Object.values(row)[0]));
    const statements: string[] = [];
    for (const table of tables) {
      const [row] = rowsOf(await admin.raw(`SHOW CREATE TABLE \`${table}\``));
      statements.push(String(row?.['Create Table']));
    }
    for (const table of ['knex_migrations', 'knex_migrations_lock']) {
      statements.push(`INSERT INTO ${table} SELECT * FROM ${template.database}.${table}`);
    }
    return statements;
  }, template.database);
}

async function replay(admin: Knex, statements: readonly string[]): Promise<void> {
  // Tables come in the order of their names, so before those that they refer to.
  await admin.raw(['SET SESSION foreign_key_checks = 0', ...statements].join(';\n'));
}

async function asAdministrator<T>(work: (admin: Knex) => PromiseLike<T>, database?: string): Promise<T> {
  const { host, port, user, password } = await mariadbServer();
  const connection = {
    host,
    port,
    user,
    password,
    multipleStatements: true,
    ...(database === undefined ? {} : { database }),
  };
  const admin = knex({ client: 'mysql2', connection, pool: { min: 0, max: 1 } });
  try {
    return await work(admin);
  } finally {
    await admin.destroy();
  }
}

async function migrateConfig(config: DatabaseConfig): Promise<void> {
  const db = openDatabase(config);
  try {
    await migrate(db, { log: silentLog });
  } finally {
    await db.close();
  }
}

// At the top level: mocha's root suite, after all others.
after(async () => {
  if (server !== null) await (await server).stop();
  if (folder.path !== null) rmSync(folder.path, { recursive: true, force: true });
});
