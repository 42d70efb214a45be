import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { DatabaseConfig } from '../../src/config/config.js';
import { writeBackup } from '../../src/ledger/backup/dump.js';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { rowCounts, SECOND, sessionsOf, startLab, type Lab } from '../collect/lab.js';
import { migrationSource } from '../../src/ledger/migration-source.js';
import { migrationStatus } from '../../src/ledger/migrations.js';
import { forEachDatabase } from '../support/databases.js';
import { HOUR } from '../web/pages/seed-plan.js';
import { seedSite } from '../web/pages/seed.js';
import { cli, tempFolder, type CliOutcome } from './running.js';

const all = { nodes: null };

/** As many events of 2,000 guests as one statement took before: more than MariaDB's max_allowed_packet. */
const EVENTS = 150;

async function idOf(db: Database, table: string, row: object): Promise<number> {
  const [id] = (await db.writer(table).insert(row)) as number[];
  return id ?? 0;
}

/** The same backup as a version would write it that has one migration more. */
function newer(text: string): string {
  const lines = text
    .split('\n')
    .slice(0, -2)
    .join('\n')
    .replace('"migrations":[', '"migrations":["29990101000000_later",');
  const sha256 = createHash('sha256').update(`${lines}\n`).digest('hex');
  return `${lines}\n${JSON.stringify({ sha256 })}\n`;
}

forEachDatabase((name, _open, fresh) => {
  describe('backup and restore', () => {
    const folder = tempFolder();
    let lab: Lab;
    let source: DatabaseConfig;
    let db: Database;
    let file: string;

    const command = (word: string, database: DatabaseConfig, ...more: string[]): Promise<CliOutcome> => {
      const { type, ...rest } = database;
      const keys = type === 'sqlite' ? rest : { ...rest, poolSize: undefined };
      folder.write(JSON.stringify({ database: { type, ...keys } }));
      return cli([word, ...more, '--config', folder.config]);
    };
    const other = (): Promise<DatabaseConfig> =>
      Promise.resolve({ type: 'sqlite', file: join(folder.path, `to-${name}-${++count}`) });
    let count = 0;

    before(async () => {
      lab = await startLab();
      source = await fresh.migrated();
      db = openDatabase(source);
      const manager = lab.manager(db);
      await manager.pollNow(all);
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      file = join(folder.path, `${name}.backup`);
      const { code, out, err } = await command('backup', source, file);
      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      expect(out).to.match(/✓ .*: \d+ rows of \d+ tables\n/);
    });
    after(async () => {
      await db.close();
      await lab.close();
    });

    const contentOf = async (config: DatabaseConfig): Promise<unknown> => {
      const opened = openDatabase(config);
      try {
        // Restoring ends with a check, which leaves its findings and when it was.
        const { findings: _findings, settings: _checkedAt, ...counts } = await rowCounts(opened);
        return { counts, sessions: await sessionsOf(opened) };
      } finally {
        await opened.close();
      }
    };

    it('carry a ledger into an empty database of the same kind, and into SQLite, and a manager goes on there', async () => {
      for (const target of [await fresh.empty(), await fresh.migrated(), await other()]) {
        const { code, out, err } = await command('restore', target, file);
        expect({ code, err }).to.deep.equal({ code: 0, err: '' });
        expect(out).to.match(/rows of \d+ tables are restored/);
        expect(await contentOf(target)).to.deep.equal(await contentOf(source));
      }
      const target = await fresh.empty();
      await command('restore', target, file);
      const there = openDatabase(target);
      const before = (await sessionsOf(there)).map(({ id }) => id);
      await lab.manager(there).pollNow(all);
      expect((await sessionsOf(there)).map(({ id }) => id)).to.deep.equal(before);
      await there.close();
    });

    it('carry events that bear whole snapshots, in lines and statements that stay small', async () => {
      const heavy = openDatabase(await fresh.migrated());
      const clusterId = await idOf(heavy, 'clusters', { cluster_key: 'name:heavy', name: 'heavy', created_at: 1 });
      const named = { name: 'push-01', proxmox_name: 'push-01', hostname: 'push-01' };
      const nodeFields = { cluster_id: clusterId, ...named, source: 'push', health: 'online', created_at: 1 };
      const nodeId = await idOf(heavy, 'nodes', nodeFields);
      const guest = {
        type: 'qemu',
        vmid: 104,
        name: 'a guest of the house',
        state: 'running',
        uptimeS: 86_400,
        cores: 4,
      };
      const body = JSON.stringify({ kind: 'states', rows: Array.from({ length: 2_000 }, () => guest) });
      for (let k = 0; k < EVENTS; k += 1)
        await idOf(heavy, 'agent_events', {
          node_id: nodeId,
          event_id: `e-${k}`,
          kind: 'states',
          arrived_at: k,
          body,
          answer: '{}',
        });
      const path = join(folder.path, `${name}-heavy`);
      await writeBackup(heavy, path, { version: '0', now: 1 });
      const refusal = await writeBackup(heavy, path, { version: '0', now: 1 }).catch((error: unknown) => error);
      expect(String(refusal)).to.match(/BackupError: .*-heavy is there already: name a new file/);
      await heavy.close();
      const lines = gunzipSync(readFileSync(path)).toString().split('\n');
      expect(Math.max(...lines.map((line) => line.length))).to.be.lessThan(8 * 1024 * 1024);
      const target = await fresh.empty();
      const { code, err } = await command('restore', target, path);
      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      const there = openDatabase(target);
      const told = (await there.reader('agent_events').orderBy('id').select('event_id', 'body')) as object[];
      expect(told).to.have.length(EVENTS);
      told.forEach((row, k) => expect(row).to.deep.equal({ event_id: `e-${k}`, body }));
      await there.close();
    }).timeout(60_000);

    it('write a file that nobody else may read, with no token in it', () => {
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      const text = gunzipSync(readFileSync(file)).toString();
      expect(text).to.contain('pve-01');
      expect(text).not.to.contain(lab.simulator.token.value);
    });

    it('leave a database with content alone, but with --force, and keep then what it held', async () => {
      const target = await fresh.empty();
      await command('restore', target, file);
      const refused = await command('restore', target, file);
      expect(refused.code).to.equal(1);
      expect(refused.err).to.match(/is not empty.*--force/);
      const { code, out } = await command('restore', target, file, '--force');
      expect(code).to.equal(0);
      const kept = /what the database held is in (\S+)/.exec(out)?.[1] ?? '';
      expect(await contentOf(target)).to.deep.equal(await contentOf(source));
      const again = await other();
      expect((await command('restore', again, kept)).code).to.equal(0);
      expect(await contentOf(again)).to.deep.equal(await contentOf(source));
    });

    it('take the ledger as it is at one instant while another writer adds to two tables at once', async () => {
      const busy = openDatabase(await fresh.migrated());
      let written = 0;
      let isOver = false;
      const writer = (async () => {
        while (!isOver) {
          // SQLite's work is synchronous: without a turn of the loop nobody else would ever have one.
          await new Promise(setImmediate);
          written += 1;
          const value = String(written);
          await busy.writer.transaction(async (trx) => {
            // The first and one of the last of the tables in the file.
            const key = `name:busy-${value}`;
            await trx('clusters').insert({ cluster_key: key, name: 'busy', revision: 0, created_at: written });
            await trx('settings').insert({ name: `busy-${value}`, value });
          });
        }
      })();
      const path = join(folder.path, `${name}-busy`);
      const before = written;
      try {
        for (let k = 0; k < 5; k++) {
          const { tables } = await writeBackup(busy, `${path}-${k}`, { version: '0', now: 1 });
          const text = gunzipSync(readFileSync(`${path}-${k}`)).toString();
          const told = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
          expect(told(/"name:busy-\d+",/g)).to.equal(told(/\["busy-\d+",/g));
          expect(Object.keys(tables)).to.include('settings');
        }
      } finally {
        isOver = true;
        await writer;
        await busy.close();
      }
      expect(written).to.be.greaterThan(before);
    });

    it('carry it on from SQLite into this kind', async () => {
      const lite = await other();
      expect((await command('restore', lite, file)).code).to.equal(0);
      const path = join(folder.path, `${name}-lite`);
      expect((await command('backup', lite, path)).code).to.equal(0);
      const target = await fresh.empty();
      const { code, err } = await command('restore', target, path);
      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      expect(await contentOf(target)).to.deep.equal(await contentOf(source));
    });

    it('bring what an older version wrote to the tables of this one', async () => {
      const old = openDatabase(await fresh.empty());
      const names = await migrationSource.getMigrations([]);
      for (const each of names.slice(0, 16))
        await old.writer.migrate.up({ migrationSource, name: each } as { name: string });
      await old.writer('clusters').insert({ cluster_key: 'name:old', name: 'old', revision: 7, created_at: 1 });
      const path = join(folder.path, `${name}-old`);
      await writeBackup(old, path, { version: '0', now: 1 });
      await old.close();
      const target = await fresh.migrated();
      const { code, err } = await command('restore', target, path);
      expect({ code, err }).to.deep.equal({ code: 0, err: '' });
      const there = openDatabase(target);
      expect(await migrationStatus(there)).to.deep.equal({ applied: names, pending: [] });
      expect(await there.reader('clusters').select('name', 'revision')).to.deep.equal([{ name: 'old', revision: 7 }]);
      await there.close();
    });

    it('end with exit code 1 where what was restored contradicts itself', async () => {
      const wrong = openDatabase(await fresh.migrated());
      await seedSite(wrong);
      const { id } = (await wrong.reader('sessions').whereNotNull('end_at').first('id')) as { id: number };
      const early = wrong.reader.raw('start_at - ?', [HOUR]);
      await wrong.writer('sessions').where({ id }).update({ end_at: early, end_earliest: early, end_latest: early });
      const path = join(folder.path, `${name}-wrong`);
      await writeBackup(wrong, path, { version: '0', now: 1 });
      await wrong.close();
      const { code, out } = await command('restore', await fresh.empty(), path);
      expect(out).to.match(/rows of \d+ tables are restored[^]*findings?; "proxmox-tracker check" tells them/);
      expect(code).to.equal(1);
    });

    it('refuse to restore where a poll ended less than two intervals ago, with --force too', async () => {
      const target = await fresh.empty();
      await command('restore', target, file);
      const there = openDatabase(target);
      await there.writer('polls').update({ finished_at: Date.now() });
      for (const more of [[], ['--force']]) {
        const { code, err } = await command('restore', target, file, ...more);
        expect(code).to.equal(1);
        expect(err).to.match(/serve seems to run on .*: stop it, and call again in \d+ s/);
      }
      await there.writer('polls').update({ finished_at: Date.now() - 61 * SECOND });
      expect((await command('restore', target, file, '--force')).code).to.equal(0);
      await there.close();
    });

    it('refuse what is torn, was changed, is no backup or is of a newer version, before anything is written', async () => {
      const bytes = readFileSync(file);
      const text = gunzipSync(bytes).toString();
      const made = (what: string, content: Buffer | string): string => {
        const path = join(folder.path, `${name}-${what}`);
        writeFileSync(path, content);
        return path;
      };
      const target = await other();
      const faults: [string, RegExp][] = [
        [made('cut', bytes.subarray(0, bytes.length - 200)), /is not whole/],
        [made('lines', gzipSync(text.split('\n').slice(0, -2).join('\n'))), /is not whole: its end is missing/],
        [made('changed', gzipSync(text.replace('pve-01', 'pve-99'))), /is not whole: its checksum does not fit/],
        [made('newer', gzipSync(newer(text))), /was written by version .*install that version/],
        [made('text', 'no backup at all'), /is not a backup of proxmox-tracker/],
        [made('json', gzipSync('{"a":1}\n')), /is not a backup of proxmox-tracker/],
        [join(folder.path, 'nowhere'), /is not there/],
      ];
      for (const [path, sentence] of faults) {
        const { code, err } = await command('restore', target, path);
        expect(code, path).to.equal(1);
        expect(err).to.match(sentence);
      }
      const empty = openDatabase(target);
      expect(await empty.reader('sqlite_master').select('name')).to.deep.equal([]);
      await empty.close();
      expect((await command('backup', source, file)).err).to.match(/is there already/);
    });
  });
});
