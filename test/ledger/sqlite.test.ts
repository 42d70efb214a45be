import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { bindable, SqliteConnection } from '../../src/ledger/sqlite-connection.js';

describe('the SQLite dialect', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-sqlite-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe('opening', () => {
    it('makes the folder of the file', async () => {
      const db = openDatabase({ type: 'sqlite', file: join(folder, 'a', 'b', 'x.sqlite') });
      expect(await db.writer('sqlite_master')).to.have.length(0);
      await db.close();
    });

    it('names a file that is no database, and leaves it as it is', () => {
      const file = join(folder, 'notes.txt');
      writeFileSync(file, 'these are notes, and no database at all');
      expect(() => openDatabase({ type: 'sqlite', file })).to.throw(`${file} is not an SQLite database`);
      expect(readFileSync(file, 'utf8')).to.equal('these are notes, and no database at all');
    });

    it('says that a place cannot be written', () => {
      const file = join(folder, 'file');
      writeFileSync(file, '');
      expect(() => openDatabase({ type: 'sqlite', file: folder })).to.throw('cannot be opened for writing');
      expect(() => openDatabase({ type: 'sqlite', file: join(file, 'x.sqlite') })).to.throw(
        `the folder ${file} cannot be made`,
      );
    });

    it('works in memory, where the reader is the writer', async () => {
      const db = openDatabase({ type: 'sqlite', file: ':memory:' });
      await db.writer.schema.createTable('t', (table) => table.integer('a'));
      await db.writer('t').insert({ a: 1 });
      expect(await db.reader('t')).to.deep.equal([{ a: 1 }]);
      await db.close();
    });

    it('is durable and keeps foreign keys', async () => {
      const db = openDatabase({ type: 'sqlite', file: join(folder, 'x.sqlite') });
      expect(await db.writer.raw('PRAGMA journal_mode')).to.deep.equal([{ journal_mode: 'wal' }]);
      expect(await db.writer.raw('PRAGMA synchronous')).to.deep.equal([{ synchronous: 2 }]);
      expect(await db.writer.raw('PRAGMA foreign_keys')).to.deep.equal([{ foreign_keys: 1 }]);
      await db.close();
    });

    it('leaves all that was written in the one file when it is closed', async () => {
      const file = join(folder, 'x.sqlite');
      const db = openDatabase({ type: 'sqlite', file });
      await db.writer.schema.createTable('t', (table) => table.integer('a'));
      await db.writer('t').insert({ a: 1 });
      await db.reader('t');
      await db.close();
      const copy = join(folder, 'copy.sqlite');
      writeFileSync(copy, readFileSync(file));
      const again = openDatabase({ type: 'sqlite', file: copy });
      expect(await again.reader('t')).to.deep.equal([{ a: 1 }]);
      await again.close();
    });
  });

  describe('values', () => {
    it('stores a boolean as 0 or 1 and a date as its epoch milliseconds', () => {
      expect(bindable(true)).to.equal(1);
      expect(bindable(false)).to.equal(0);
      expect(bindable(new Date(1_774_747_800_123))).to.equal(1_774_747_800_123);
    });

    it('refuses what SQLite would store as something else', () => {
      for (const value of [
        undefined,
        {},
        [],
        () => 1,
        Symbol('x'),
        Number.NaN,
        Infinity,
        2 ** 53,
        new Date(Number.NaN),
      ]) {
        expect(() => bindable(value)).to.throw(TypeError);
      }
    });
  });

  describe('prepared statements', () => {
    it('are kept and reused', () => {
      const connection = new SqliteConnection(':memory:', { isReadOnly: false });
      connection.all('CREATE TABLE t (a INTEGER)');
      for (let a = 0; a < 10; a++) connection.run('INSERT INTO t VALUES (?)', [a]);
      expect(connection.all('SELECT count(*) AS n FROM t')).to.deep.equal([{ n: 10 }]);
      expect(connection.keptStatements).to.have.length(2);
      connection.close();
    });

    it('are at most as many as asked for, the least recently used one out first', () => {
      const connection = new SqliteConnection(':memory:', { isReadOnly: false, statementLimit: 2 });
      for (const sql of ['SELECT 1', 'SELECT 2', 'SELECT 1', 'SELECT 3']) connection.all(sql);
      expect(connection.keptStatements).to.deep.equal(['SELECT 1', 'SELECT 3']);
      connection.close();
    });

    it('see a column that was added since', () => {
      const connection = new SqliteConnection(':memory:', { isReadOnly: false });
      connection.all('CREATE TABLE t (a INTEGER)');
      connection.run('INSERT INTO t VALUES (?)', [1]);
      expect(connection.all('SELECT * FROM t')).to.deep.equal([{ a: 1 }]);
      connection.all('ALTER TABLE t ADD COLUMN b INTEGER');
      expect(connection.all('SELECT * FROM t')).to.deep.equal([{ a: 1, b: null }]);
      connection.close();
    });
  });

  it('leaves the connection usable after a COMMIT that was refused', async () => {
    const db: Database = openDatabase({ type: 'sqlite', file: join(folder, 'x.sqlite') });
    await db.writer.raw('CREATE TABLE p (id INTEGER PRIMARY KEY)');
    await db.writer.raw('CREATE TABLE c (p INTEGER REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)');
    const error = await db.writer
      .transaction((trx) => trx('c').insert({ p: 1 }))
      .then(
        () => null,
        (reason: unknown) => reason,
      );
    expect(error).to.have.property('message').that.contains('FOREIGN KEY');
    await db.writer.transaction((trx) => trx('p').insert({ id: 2 }));
    expect(await db.reader('p')).to.deep.equal([{ id: 2 }]);
    expect(await db.reader('c')).to.deep.equal([]);
    await db.close();
  });
});
