import { expect } from 'chai';
import {
  AccessError,
  addUser,
  countUsers,
  createKey,
  createSetupLink,
  isSetupLink,
  keyByToken,
  listAudit,
  listKeys,
  listUsers,
  setPassword,
  touchKey,
  useSetupLink,
  verifyPassword,
  writeAudit,
} from '../../../src/ledger/access.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { HOUR, NOW } from '../../web/api/lab.js';

const PASSWORD = 'correct horse battery';

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AccessError) return error.message;
    throw error;
  }
  return 'nothing was refused';
}

forEachDatabase((name, open) => {
  describe(`who may come in, on ${name}`, () => {
    let db: Database;
    before(async () => {
      db = await open();
    });

    it('keeps users by a lower-case name, and no password', async () => {
      await inTransaction(db, (trx) =>
        addUser(trx, { name: ' Anna@Example.org ', password: PASSWORD, role: 'admin' }, NOW),
      );
      const users = await listUsers(db.reader);
      expect(users).to.deep.equal([
        { id: users[0]?.id, name: 'anna@example.org', role: 'admin', createdAt: NOW, disabledAt: null },
      ]);
      const [row] = (await db.reader('users').select('password_hash')) as { password_hash: string }[];
      expect(row?.password_hash).to.match(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/);
    });

    it('knows the password, in either form of its letters, and nobody by another one', async () => {
      const accented = 'Caf\u00e9 am See';
      await inTransaction(db, (trx) => addUser(trx, { name: 'zoe', password: accented, role: 'viewer' }, NOW));
      expect(await verifyPassword(db.reader, 'ZOE', 'Cafe\u0301 am See')).to.include({ name: 'zoe', role: 'viewer' });
      expect(await verifyPassword(db.reader, 'zoe', 'Cafe am See')).to.equal(null);
      expect(await verifyPassword(db.reader, 'nobody', accented)).to.equal(null);
      await db.writer('users').where({ name: 'zoe' }).update({ disabled_at: NOW });
      expect(await verifyPassword(db.reader, 'zoe', accented)).to.equal(null);
    });

    it('changes a password', async () => {
      await inTransaction(db, (trx) => setPassword(trx, 'Anna@example.org', 'another long one'));
      expect(await verifyPassword(db.reader, 'anna@example.org', PASSWORD)).to.equal(null);
      expect(await verifyPassword(db.reader, 'anna@example.org', 'another long one')).not.to.equal(null);
    });

    it('refuses with a sentence what will not do', async () => {
      const add = (name: string, password: string): Promise<string> =>
        refusal(inTransaction(db, (trx) => addUser(trx, { name, password, role: 'viewer' }, NOW)));
      expect(await add('ANNA@example.org', PASSWORD)).to.match(/^There is a user "anna@example.org" already/);
      expect(await add('bert', 'too short')).to.equal('The password is too short: take at least 10 characters.');
      expect(await add('bert', 'x'.repeat(1025))).to.equal('The password is too long: take at most 1024 characters.');
      for (const bad of ['', ' ', '-x', 'a b', 'a\nb', 'x'.repeat(65), '<script>']) {
        expect(await add(bad, PASSWORD), bad).to.match(/^The user name must be/);
      }
      expect(await refusal(inTransaction(db, (trx) => setPassword(trx, 'bert', PASSWORD)))).to.match(/no user "bert"/);
      expect(await countUsers(db.reader)).to.equal(2);
    });

    it('makes keys of 43 characters and stores only their hash', async () => {
      const made = await inTransaction(db, (trx) =>
        createKey(trx, { name: 'grafana', scope: 'read', node: 'pve-01' }, NOW),
      );
      expect(made.key).to.match(/^[A-Za-z0-9_-]{43}$/);
      const rows = (await db.reader('api_keys').select('*')) as Record<string, unknown>[];
      expect(JSON.stringify(rows)).not.to.include(made.key);
      const key = await keyByToken(db.reader, made.key, NOW);
      expect(key).to.include({ id: made.id, name: 'grafana', scope: 'read', node: 'pve-01', lastUsedAt: null });
      expect(await keyByToken(db.reader, made.key.toLowerCase(), NOW)).to.equal(null);
    });

    it('lets an enrol key live for an hour', async () => {
      const { key } = await inTransaction(db, (trx) => createKey(trx, { name: 'new', scope: 'enrol' }, NOW));
      expect(await keyByToken(db.reader, key, NOW + HOUR - 1)).to.include({ scope: 'enrol', expiresAt: NOW + HOUR });
      expect(await keyByToken(db.reader, key, NOW + HOUR)).to.equal(null);
      const late = { name: 'late', scope: 'read' as const, expiresAt: NOW };
      expect(await refusal(inTransaction(db, (trx) => createKey(trx, late, NOW)))).to.match(/expired already/);
    });

    it('notes the use of a key at most once a minute', async () => {
      const { key } = await inTransaction(db, (trx) => createKey(trx, { name: 'busy', scope: 'read' }, NOW));
      const useAt = async (at: number): Promise<number | null | undefined> => {
        const found = await keyByToken(db.reader, key, at);
        if (found !== null) await touchKey(db.writer, found, at);
        return (await listKeys(db.reader)).find((entry) => entry.name === 'busy')?.lastUsedAt;
      };
      expect(await useAt(NOW)).to.equal(NOW);
      expect(await useAt(NOW + 59_999)).to.equal(NOW);
      expect(await useAt(NOW + 60_000)).to.equal(NOW + 60_000);
    });

    it('spends a set-up link once, for a day', async () => {
      const token = await inTransaction(db, (trx) => createSetupLink(trx, NOW));
      expect(await isSetupLink(db.reader, token, NOW + 24 * HOUR)).to.equal(false);
      expect(await isSetupLink(db.reader, 'x'.repeat(43), NOW)).to.equal(false);
      expect(await inTransaction(db, (trx) => useSetupLink(trx, token, NOW))).to.equal(true);
      expect(await inTransaction(db, (trx) => useSetupLink(trx, token, NOW))).to.equal(false);
    });

    it('keeps the audit log, newest first, with values before and after', async () => {
      const entry = { actor: 'anna', address: '192.0.2.1', action: 'key.create', subject: 'grafana' };
      await inTransaction(db, (trx) => writeAudit(trx, { ...entry, at: NOW, after: { scope: 'read', ü: ['☃'] } }));
      await inTransaction(db, (trx) => writeAudit(trx, { ...entry, at: NOW + 1, address: null, before: null }));
      const page = await listAudit(db.reader, { page: 1, perPage: 2 });
      expect(page.items.map(({ id: _id, ...rest }) => rest)).to.deep.equal([
        { ...entry, at: NOW + 1, address: null, before: null, after: null },
        { ...entry, at: NOW, before: null, after: { scope: 'read', ü: ['☃'] } },
      ]);
      expect(await listAudit(db.reader, { page: 2, perPage: 1 })).to.include({ total: 2, page: 2, perPage: 1 });
    });
  });
});
