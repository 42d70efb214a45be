import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { keyByToken, listAudit, verifyPassword } from '../../src/ledger/access.js';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { cli, tempFolder, type CliOutcome } from './running.js';

const password = 'correct horse battery';

describe('users and keys by command', () => {
  const folder = tempFolder();
  let db: Database;
  const ask = (words: string, ...rest: string[]): Promise<CliOutcome> =>
    cli([...words.split(' '), '--config', folder.config], { lines: rest });
  const atTerminal = (words: string, ...typed: string[]): Promise<CliOutcome> =>
    cli([...words.split(' '), '--config', folder.config], { lines: typed, isTerminal: true });

  before(async () => {
    folder.write('');
    expect((await ask('user list')).out).to.include('There is no user yet');
    db = openDatabase({ type: 'sqlite', file: `${folder.path}/data/tracker.sqlite` });
  });
  after(() => db.close());

  it('adds a user with the first line of standard input as password', async () => {
    const added = await ask('user add Alice --role admin', password, 'another line');
    expect(added).to.deep.equal({ code: 0, out: 'The admin "alice" may log in now.\n', err: '' });
    expect((await verifyPassword(db.reader, 'alice', password))?.role).to.equal('admin');
  });

  it('asks twice at a terminal and shows nothing of what is typed', async () => {
    const { code, out, err } = await atTerminal('user add bob', password, password);
    expect([code, out]).to.deep.equal([0, 'The viewer "bob" may log in now.\n']);
    expect(err).to.equal('Password for bob: \nOnce more: \n');
    expect((await verifyPassword(db.reader, 'bob', password))?.role).to.equal('viewer');
  });

  it('changes nothing when the two passwords differ', async () => {
    const { code, err } = await atTerminal('user add carol', password, `${password}!`);
    expect(code).to.equal(1);
    expect(err).to.include('the two passwords differ: nothing was changed');
    expect((await ask('user list')).out).not.to.include('carol');
  });

  it('refuses a short password, an empty input and a name that is taken', async () => {
    expect((await ask('user add carol', 'short')).err).to.equal('the password has 5 characters: choose at least 10\n');
    expect((await ask('user add carol')).err).to.equal('the input ended before every question was answered\n');
    const taken = await ask('user add alice', password);
    expect([taken.code, taken.err]).to.deep.equal([
      1,
      'there is a user "alice" already: set the password by "proxmox-tracker user passwd alice"\n',
    ]);
  });

  it('changes a password, and names a user that is not there', async () => {
    const changed = 'another good password';
    expect((await ask('user passwd bob', changed)).code).to.equal(0);
    expect(await verifyPassword(db.reader, 'bob', password)).to.equal(null);
    expect((await verifyPassword(db.reader, 'bob', changed))?.name).to.equal('bob');
    const unknown = await ask('user passwd dave', changed);
    expect([unknown.code, unknown.err]).to.deep.equal([
      1,
      'there is no user "dave": "proxmox-tracker user list" shows those there are\n',
    ]);
  });

  it('lists users in aligned columns', async () => {
    const lines = (await ask('user list')).out.trimEnd().split('\n');
    expect(lines[0]).to.match(/^NAME {3}ROLE {4}CREATED$/);
    expect(lines[1]).to.match(/^alice {2}admin {3}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(lines).to.have.length(3);
  });

  it('prints a key alone on the last line, lists it without the key, and revokes it', async () => {
    const made = await ask('key create grafana --scope read --expires 30d');
    const key = made.out.trimEnd().split('\n').at(-1) ?? '';
    expect(key).to.match(/^[A-Za-z0-9_-]{32,}$/);
    const stored = await keyByToken(db.reader, key, systemClock.now());
    expect(stored).to.include({ name: 'grafana', scope: 'read' });
    expect((stored?.expiresAt ?? 0) - systemClock.now()).to.be.within(30 * 86_400_000 - 60_000, 30 * 86_400_000);
    const listed = (await ask('key list')).out;
    expect(listed).to.include('grafana').and.not.include(key);

    const id = String(stored?.id);
    expect((await ask(`key revoke ${id}`)).out).to.equal(`Key ${id} "grafana" opens nothing any more.\n`);
    expect(await keyByToken(db.reader, key, systemClock.now())).to.equal(null);
    expect((await ask(`key revoke ${id}`)).code).to.equal(1);
    expect((await ask('key list')).out).to.include('There is no key yet');
    expect((await ask('key list --all')).out)
      .to.include('grafana')
      .and.include('revoked');
  });

  it('writes each change into the audit log, and no secret', async () => {
    const { items } = await listAudit(db.reader, { page: 1, perPage: 50 });
    const actions = new Set(items.map(({ action }) => action));
    expect([...actions].sort()).to.deep.equal(['key.create', 'key.revoke', 'user.add', 'user.passwd']);
    expect(items.every(({ actor }) => actor === 'command line')).to.equal(true);
    expect(JSON.stringify(items)).not.to.include(password);
  });
});

describe('migrate', () => {
  const folder = tempFolder();
  const ask = (...options: string[]): Promise<CliOutcome> => cli(['migrate', ...options, '--config', folder.config]);
  before(() => folder.write('database: { file: t.sqlite }'));

  it('shows what is pending, does it, and finds nothing to do the second time', async () => {
    expect((await ask('--status')).out)
      .to.match(/^pending {2}\d{14}_\w+\n/)
      .and.match(/\n0 done, \d+ pending\n$/);
    const first = await ask();
    expect(first.code).to.equal(0);
    expect(first.out).to.match(/The tables are up to date: \d+ migrations done\.\n$/);
    expect((await ask()).out).to.equal('The tables are up to date.\n');
    expect((await ask('--status')).out)
      .to.match(/^done {5}\d{14}_\w+\n/)
      .and.match(/\n\d+ done, 0 pending\n$/);
  });

  it('frees a lock that was left behind', async () => {
    const db = openDatabase({ type: 'sqlite', file: `${folder.path}/t.sqlite` });
    await db.writer('knex_migrations_lock').update({ is_locked: 1 });
    await db.close();
    expect((await ask('--unlock')).out).to.equal('The lock is free now: run "proxmox-tracker migrate" again.\n');
    expect((await ask('--unlock')).out).to.equal('The lock was free already: run "proxmox-tracker migrate" again.\n');
  });

  it('says what is wrong with a database that cannot be opened', async () => {
    folder.write('database: { file: . }');
    const { code, out, err } = await ask();
    expect([code, out]).to.deep.equal([1, '']);
    expect(err).to.match(/^[^\n]+\n$/);
  });

  it('says what is wrong with a server that does not answer', async () => {
    folder.write('database: { type: mysql, host: 127.0.0.1, port: 1, user: u, password: hidden-word, database: d }');
    const { code, err } = await ask();
    expect(code).to.equal(1);
    expect(err)
      .to.match(/^[^\n]+127\.0\.0\.1[^\n]*\n$/)
      .and.not.include('hidden-word');
  });
});
