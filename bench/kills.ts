import { parseArgs } from 'node:util';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseConfig } from '../src/config/config.js';
import { openDatabase } from '../src/ledger/database.js';
import { migrate } from '../src/ledger/migrations.js';
import { silentLog } from '../src/log.js';
import { seededRandom } from '../src/simulator/random.js';
import { mariadbFault, startMariadb } from '../test/support/mariadb.js';
import knex from 'knex';
import { killedSeries, undisturbedLedger } from '../test/survival/kills.js';
import { shortSeries } from '../test/survival/short-series.js';

const HELP = `npm run kills -- [--kills 1000] [--seed 1] [--minutes 60]

Kills managers with SIGKILL at random statements, half of them on SQLite and half on a private MariaDB, and compares each ledger
with the one that nobody disturbed. Each has half of the kills and of the minutes, and ends when either is over; exit code 1 where a ledger differed.
`;

/** The options; null where one is unknown or no number that makes sense. */
function options(): { kills: number; seed: number; minutes: number; isHelp: boolean } | null {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({
      options: { kills: text, seed: text, minutes: text, help: { type: 'boolean', default: false } },
    });
    const [kills, seed, minutes] = [values.kills ?? '1000', values.seed ?? '1', values.minutes ?? '60'].map(Number);
    const isSound = [kills, seed, minutes].every((value) => Number.isInteger(value) && Number(value) > 0);
    if (!isSound || kills === undefined || seed === undefined || minutes === undefined) return null;
    return { kills, seed, minutes, isHelp: values.help };
  } catch {
    return null;
  }
}

async function migrated(config: DatabaseConfig): Promise<DatabaseConfig> {
  const db = openDatabase(config);
  await migrate(db, { log: silentLog }).finally(() => db.close());
  return config;
}

async function run({ kills, seed, minutes }: { kills: number; seed: number; minutes: number }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-kills-'));
  const fault = mariadbFault();
  if (fault !== null) console.log(`without MariaDB: ${fault}`);
  const server = fault === null ? await startMariadb() : null;
  const series = await shortSeries();
  const random = seededRandom(seed);
  let made = 0;
  const onSqlite = (): Promise<DatabaseConfig> =>
    migrated({ type: 'sqlite', file: join(folder, `${String((made += 1))}.sqlite`) });
  const onMariadb = async (): Promise<DatabaseConfig> => {
    if (server === null) return onSqlite();
    const { host, port, user, password } = server;
    const database = `kills_${String((made += 1))}`;
    const admin = knex({ client: 'mysql2', connection: { host, port, user, password }, pool: { min: 0, max: 1 } });
    await admin.raw(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`).finally(() => void admin.destroy());
    return migrated({ type: 'mysql', host, port, user, password, database, poolSize: 5 });
  };
  const wrong: string[] = [];
  try {
    for (const [name, fresh] of [
      ['SQLite', onSqlite],
      ['MariaDB', onMariadb],
    ] as const) {
      // Each database has half of the time.
      const until = process.hrtime.bigint() + BigInt(minutes) * 30_000_000_000n;
      const expected = await undisturbedLedger(await fresh(), series);
      let [killCount, ledgerCount] = [0, 0];
      while (killCount < kills / 2 && process.hrtime.bigint() < until) {
        const life = await killedSeries(await fresh(), series, expected, { random, maxKills: kills / 2 - killCount });
        killCount += life.killCount;
        ledgerCount += 1;
        wrong.push(...life.differences);
        for (const line of life.differences.slice(0, 5)) console.log(line.slice(0, 500));
      }
      console.log(`${name}: ${killCount} kills, ${ledgerCount} ledgers, ${wrong.length} differences so far`);
    }
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

const wanted = options();
if (wanted === null) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else if (wanted.isHelp) process.stdout.write(HELP);
else await run(wanted);
