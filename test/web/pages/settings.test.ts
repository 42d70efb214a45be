import { expect } from 'chai';
import { addUser, changeUser, listAudit, listKeys, listUsers, type AuditEntry } from '../../../src/ledger/access.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { Jar } from '../api/browser-jar.js';
import { ADMIN_KEY, NOW, startLab, type Lab } from '../api/lab.js';

const PASSWORD = 'correct horse battery';
const OTHER = 'another long password';

forEachDatabase((name, open) => {
  describe(`the settings on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let anna: Jar;
    const ids: Record<string, number> = {};

    before(async () => {
      db = await open();
      lab = await startLab(db);
      await inTransaction(db, async (trx) => {
        for (const [user, role] of [
          ['anna', 'admin'],
          ['victor', 'viewer'],
        ] as const)
          ids[user] = (await addUser(trx, { name: user, password: PASSWORD, role }, NOW)).id;
      });
      anna = await loggedIn('anna');
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    async function loggedIn(user: string, password = PASSWORD): Promise<Jar> {
      const jar = new Jar(lab);
      expect((await jar.login(user, password)).status, user).to.equal(303);
      await jar.get('/nodes');
      return jar;
    }

    async function statusOf(user: string, password: string): Promise<number> {
      return (await new Jar(lab).login(user, password)).status;
    }

    /** The newest line of the audit log, without its number. */
    async function told(): Promise<Omit<AuditEntry, 'id'> | undefined> {
      const [entry] = (await listAudit(db.reader, { page: 1, perPage: 1 })).items;
      if (entry === undefined) return undefined;
      const { id: _id, ...rest } = entry;
      return rest;
    }

    /** Does what the form does and yields what the next page says of it. */
    async function does(path: string, fields: Record<string, string> = {}): Promise<string> {
      const answer = await anna.post(path, fields);
      expect(answer.status, answer.text.slice(0, 500)).to.equal(303);
      const { text } = await anna.get(answer.headers.get('location') ?? '');
      return /role="status">([^<]*)</.exec(text)?.[1]?.replaceAll('&quot;', '"') ?? '';
    }

    const entry = { at: NOW, actor: 'anna', address: '127.0.0.1' };

    it('let an admin add a user, once, and write down who did it', async () => {
      const fields = { name: ' Berta ', role: 'viewer', password: PASSWORD };
      expect(await does('/settings/users', fields)).to.equal('"berta" may log in now.');
      expect(await told()).to.deep.equal({
        ...entry,
        action: 'user.add',
        subject: 'berta',
        before: null,
        after: { role: 'viewer' },
      });
      const again = await anna.post('/settings/users', fields);
      expect(again.status).to.equal(422);
      expect(again.text).to.include('already').and.include('value=" Berta "').and.not.include(PASSWORD);
      for (const wrong of [{ role: 'root' }, { password: 'short' }, { name: '<b>' }]) {
        expect((await anna.post('/settings/users', { ...fields, name: 'carl', ...wrong })).status).to.equal(422);
      }
      ids['berta'] = (await listUsers(db.reader)).find((user) => user.name === 'berta')?.id ?? 0;
      expect(await listUsers(db.reader)).to.have.length(3);
    });

    it('change a role at once, also for who is logged in, with before and after in the audit log', async () => {
      const victor = await loggedIn('victor');
      expect((await victor.get('/settings/users')).status).to.equal(403);
      const path = `/settings/users/${ids['victor'] ?? 0}/role`;
      expect(await does(path, { role: 'admin' })).to.equal('"victor" is an admin who may log in.');
      const values = (role: string) => ({ role, is_disabled: false });
      const change = { action: 'user.role', subject: 'victor', before: values('viewer'), after: values('admin') };
      expect(await told()).to.deep.equal({ ...entry, ...change });
      expect((await victor.get('/settings/users')).status).to.equal(200);
      await does(path, { role: 'viewer' });
      expect((await victor.get('/settings/users')).status).to.equal(403);
      expect(await does(path, { role: 'root' })).to.equal('Nothing was changed. The role must be admin or viewer.');
    });

    it('end the logins of a user who is disabled, and let none in until it is undone', async () => {
      const victor = await loggedIn('victor');
      await does(`/settings/users/${ids['victor'] ?? 0}/disable`);
      expect((await told())?.after).to.deep.equal({ role: 'viewer', is_disabled: true });
      expect((await victor.get('/nodes')).status).to.equal(303);
      expect(await statusOf('victor', PASSWORD)).to.equal(401);
      await does(`/settings/users/${ids['victor'] ?? 0}/enable`);
      expect((await victor.get('/nodes')).status).to.equal(303);
      expect(await statusOf('victor', PASSWORD)).to.equal(303);
    });

    it('set a forgotten password anew', async () => {
      await does(`/settings/users/${ids['berta'] ?? 0}/password`, { password: OTHER });
      expect(await told()).to.include({ action: 'user.passwd', subject: 'berta', actor: 'anna' });
      expect([await statusOf('berta', PASSWORD), await statusOf('berta', OTHER)]).to.deep.equal([401, 303]);
      const short = await does(`/settings/users/${ids['berta'] ?? 0}/password`, { password: 'short' });
      expect(short).to.match(/^Nothing was changed\. The password is too short/);
    });

    it('change neither password nor second factor of the admin who asks, whose page Account asks for the password', async () => {
      const before = await told();
      for (const [what, fields] of [
        ['password', { password: OTHER }],
        ['factor-off', {}],
      ] as const) {
        const said = await does(`/settings/users/${ids['anna'] ?? 0}/${what}`, fields);
        expect(said, what).to.match(/^Nothing was changed\. That is your own .* on the page Account \(\/account\)/);
      }
      expect(await told()).to.deep.equal(before);
      expect(await statusOf('anna', PASSWORD)).to.equal(303);
    });

    it('never leave the house without an admin', async () => {
      const sentence = 'Nothing was changed. "anna" is the last admin who can log in: make another one first.';
      expect(await does(`/settings/users/${ids['anna'] ?? 0}/role`, { role: 'viewer' })).to.equal(sentence);
      expect(await does(`/settings/users/${ids['anna'] ?? 0}/disable`)).to.equal(sentence);
      // An admin who is disabled is none.
      await does(`/settings/users/${ids['victor'] ?? 0}/role`, { role: 'admin' });
      await does(`/settings/users/${ids['victor'] ?? 0}/disable`);
      expect(await does(`/settings/users/${ids['anna'] ?? 0}/disable`)).to.equal(sentence);
      await does(`/settings/users/${ids['victor'] ?? 0}/enable`);
      // Two who demote each other at once: one of them stays.
      const demote = (user: string): Promise<unknown> =>
        inTransaction(db, (trx) => changeUser(trx, ids[user] ?? 0, { role: 'viewer' }, NOW)).catch(() => null);
      await Promise.all([demote('anna'), demote('victor')]);
      const admins = (await listUsers(db.reader)).filter((user) => user.role === 'admin');
      expect(admins).to.have.length(1);
      await db.writer('users').where({ name: 'anna' }).update({ role: 'admin' });
      await db.writer('users').where({ name: 'victor' }).update({ role: 'viewer' });
    });

    it('take nothing without the CSRF token, and a key needs none', async () => {
      const path = '/settings/users';
      const fields = { name: 'mallory', role: 'admin', password: PASSWORD };
      expect((await anna.post(path, { ...fields, _csrf: 'x'.repeat(43) })).status).to.equal(403);
      const body = new URLSearchParams({ ...fields, name: 'dora' }).toString();
      expect((await lab.send('POST', path, body, { 'X-API-Key': ADMIN_KEY })).status).to.equal(303);
      expect(await told()).to.include({ actor: 'key security.admin_api_key', subject: 'dora' });
      expect((await listUsers(db.reader)).map((user) => user.name))
        .to.include('dora')
        .and.not.include('mallory');
    });

    it('answer 404 for a user and a key that there is not', async () => {
      for (const path of ['/settings/users/x/role', '/settings/keys/0/revoke', '/settings/users/1e3/disable'])
        expect((await anna.post(path, {})).status, path).to.equal(404);
      expect(await does('/settings/users/999999/disable')).to.match(/no such user/);
      expect(await does('/settings/keys/999999/revoke')).to.match(/no such open key/);
    });

    it('make a key, show it once, and close it', async () => {
      const fields = { name: 'relay of pve-07', scope: 'ingest', node: 'pve-07', expires: '2026-11-30' };
      const made = await anna.post('/settings/keys', fields);
      expect(made.status).to.equal(200);
      const key = /<pre[^>]*>([A-Za-z0-9_-]{43})<\/pre>/.exec(made.text)?.[1] ?? '';
      const page = await anna.get('/settings/keys');
      expect(page.text).to.include('relay of pve-07').and.not.include(key);
      // The last day counts whole, in the billing time zone.
      const values = { scope: 'ingest', node: 'pve-07', expires_at: Date.UTC(2026, 10, 30, 23) };
      const [stored] = await listKeys(db.reader).then((keys) => keys.filter((each) => each.name === fields.name));
      expect(await told()).to.deep.include({ action: 'key.create', after: { id: stored?.id, ...values } });
      expect(JSON.stringify((await listAudit(db.reader, { page: 1, perPage: 50 })).items)).not.to.include(key);
      const report = (node: string): Promise<number> =>
        lab
          .send('POST', '/api/ingest/heartbeat', JSON.stringify({ node }), { 'X-API-Key': key })
          .then((answer) => answer.status);
      expect([await report('pve-07'), await report('pve-08')]).to.deep.equal([200, 403]);
      expect(await does(`/settings/keys/${stored?.id ?? 0}/revoke`)).to.match(/opens nothing any more/);
      expect(await told()).to.deep.include({ action: 'key.revoke', before: { id: stored?.id, ...values } });
      expect(await report('pve-07')).to.equal(401);
      expect(await does(`/settings/keys/${stored?.id ?? 0}/revoke`)).to.match(/^Nothing was changed\./);
    });

    it('refuse a key that will not do, and keep what was typed', async () => {
      const fields = { name: 'x"y', scope: 'read', node: '', expires: '' };
      for (const [wrong, sentence] of [
        [{ name: ' ' }, 'The name of a key must be'],
        [{ scope: 'root' }, 'The scope must be one of ingest, read, admin, enrol.'],
        [{ expires: '2026-02-30' }, 'The last day is no day'],
        [{ expires: '2026-11-01' }, 'would have expired already'],
        [{ node: 'n'.repeat(256) }, 'at most 255 characters'],
      ] as const) {
        const answer = await anna.post('/settings/keys', { ...fields, ...wrong });
        expect(answer.status, sentence).to.equal(422);
        expect(answer.text).to.include(sentence);
        if (!('name' in wrong)) expect(answer.text).to.include('value="x&quot;y"');
      }
    });

    it('let everybody change the own password by the current one, which ends the other logins', async () => {
      const [here, there] = [await loggedIn('victor'), await loggedIn('victor')];
      const token = here.cookies.get('tracker_login');
      const fields = { current: PASSWORD, password: OTHER, repeat: OTHER };
      expect((await here.post('/account/password', { ...fields, repeat: PASSWORD })).status).to.equal(422);
      const wrong = await here.post('/account/password', { ...fields, current: 'wrong' });
      expect(wrong.status).to.equal(401);
      expect(wrong.text).to.include('Your current password is another one.');
      expect(await told()).to.include({ action: 'login.failed', actor: 'victor' });
      expect((await here.post('/account/password', { ...fields, password: 'short', repeat: 'short' })).status).to.equal(
        422,
      );
      expect((await here.post('/account/password', fields)).status).to.equal(303);
      expect(here.cookies.get('tracker_login')).not.to.equal(token);
      expect([(await here.get('/account')).status, (await there.get('/account')).status]).to.deep.equal([200, 303]);
      expect([await statusOf('victor', PASSWORD), await statusOf('victor', OTHER)]).to.deep.equal([401, 303]);
    });

    it('list the own logins and end one of them, never one of somebody else', async () => {
      const [here, there] = [await loggedIn('victor', OTHER), await loggedIn('victor', OTHER)];
      const { text } = await here.get('/account');
      const found = [...text.matchAll(/\/account\/logins\/(\d+)\/end/g)].map((match) => match[1]);
      expect(found.length).to.be.at.least(2);
      expect(text.match(/this one/g)).to.have.length(1);
      // Listed newest first among those used at the same instant.
      const theirs = await anna.get('/account');
      const mine = /\/account\/logins\/(\d+)\/end/.exec(theirs.text)?.[1] ?? '';
      await here.post(`/account/logins/${mine}/end`, {});
      expect((await anna.get('/account')).status).to.equal(200);
      expect((await here.post(`/account/logins/${found[0] ?? ''}/end`, {})).status).to.equal(303);
      expect((await there.get('/account')).status).to.equal(303);
      expect((await here.get('/account')).status).to.equal(200);
    });

    it('have no account for a key', async () => {
      expect((await lab.get('/account')).status).to.equal(403);
    });
  });
});
