import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { DatabaseConfig } from '../../src/config/config.js';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { rowCounts, SECOND, sessionsOf, startLab, type Lab } from '../collect/lab.js';
import { forEachDatabase } from '../support/databases.js';
import { cli, tempFolder, type CliOutcome } from './running.js';

const all = { nodes: null };

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
