import { expect } from 'chai';
import { addUser, createSetupLink, listAudit, setPassword, writeAudit } from '../../../src/ledger/access.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { Jar } from './browser-jar.js';
import { HOUR, NOW, startLab, type Lab } from './lab.js';

const PASSWORD = 'correct horse battery';

forEachDatabase((name, open) => {
  describe(`logins on ${name}`, () => {
    let db: Database;
    let lab: Lab;

    before(async () => {
      db = await open();
      lab = await startLab(db, { server: { trustProxy: true } });
      await inTransaction(db, async (trx) => {
        await addUser(trx, { name: 'Anna', password: PASSWORD, role: 'admin' }, NOW);
        await addUser(trx, { name: 'victor', password: PASSWORD, role: 'viewer' }, NOW);
      });
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    it('leads nobody to the form, and a login to the overview, with a cookie that no script can read', async () => {
      const jar = new Jar(lab);
      const nobody = await jar.get('/');
      expect([nobody.status, nobody.headers.get('location')]).to.deep.equal([303, '/login']);
      const answer = await jar.login('anna', PASSWORD);
      expect([answer.status, answer.headers.get('location')]).to.deep.equal([303, '/']);
      expect(jar.attributes.get('tracker_login')).to.include('httponly').and.to.include('samesite=lax');
      expect(jar.attributes.get('tracker_login')).not.to.include('secure');
      expect((await jar.get('/')).status).to.equal(200);
    });

    it('takes the name in any case, and stores no token that a thief of the database could use', async () => {
      const jar = new Jar(lab);
      expect((await jar.login(' ANNA ', PASSWORD)).status).to.equal(303);
      const rows = (await db.reader('web_logins').select('token_hash')) as { token_hash: string }[];
      expect(rows.map((row) => row.token_hash)).not.to.include(jar.cookies.get('tracker_login'));
    });

    it('marks the cookie Secure behind TLS', async () => {
      const jar = new Jar(lab);
      await jar.get('/login');
      const fields = { username: 'anna', password: PASSWORD };
      expect((await jar.post('/login', fields, { 'X-Forwarded-Proto': 'https' })).status).to.equal(303);
      expect(jar.attributes.get('tracker_login')).to.match(/(^|; )secure/);
    });

    it('answers 401 with the form for a wrong password, an unknown name and nothing at all', async () => {
      for (const [username, password] of [
        ['anna', 'wrong wrong wrong'],
        ['nobody', PASSWORD],
        ['', ''],
      ] as const) {
        const answer = await new Jar(lab).login(username, password);
        expect(answer.status, username).to.equal(401);
        expect(answer.text)
          .to.include('The user name, the password or the code is wrong.')
          .and.to.include('name="password"');
      }
    });

    it('refuses a login form without the token of its page', async () => {
      const jar = new Jar(lab);
      await jar.get('/login');
      const fields = { username: 'anna', password: PASSWORD };
      expect((await jar.post('/login', { ...fields, _csrf: 'x'.repeat(43) })).status).to.equal(403);
      expect((await new Jar(lab).post('/login', { ...fields, _csrf: '' })).status).to.equal(403);
      expect((await jar.post('/login', fields)).status).to.equal(303);
    });

    it('gives a viewer the reads, and an admin the writes with the CSRF token', async () => {
      const viewer = new Jar(lab);
      await viewer.login('victor', PASSWORD);
      await viewer.get('/nodes');
      expect((await lab.get('/api/nodes', viewer.headers())).status).to.equal(200);
      const asViewer = { ...viewer.headers(), 'X-CSRF-Token': viewer.csrf };
      expect((await lab.send('POST', '/api/sessions/sync', '', asViewer)).status).to.equal(403);

      const admin = new Jar(lab);
      await admin.login('anna', PASSWORD);
      await admin.get('/nodes');
      const without = await lab.send('POST', '/api/sessions/sync', '', admin.headers());
      expect(without.status).to.equal(403);
      expect(without.json['detail']).to.match(/^The CSRF token is missing or old/);
      const wrong = { ...admin.headers(), 'X-CSRF-Token': viewer.csrf };
      expect((await lab.send('POST', '/api/sessions/sync', '', wrong)).status).to.equal(403);
      const right = { ...admin.headers(), 'X-CSRF-Token': admin.csrf };
      expect((await lab.send('POST', '/api/sessions/sync', '', right)).status).to.equal(200);
    });

    it('ends a login at logout, at another login of the browser, and when the password changes', async () => {
      const jar = new Jar(lab);
      const status = async (headers: Record<string, string>): Promise<number> =>
        (await lab.get('/api/nodes', headers)).status;
      await jar.login('victor', PASSWORD);
      const first = jar.headers();
      await jar.get('/nodes');
      expect((await jar.post('/login', { username: 'victor', password: PASSWORD })).status).to.equal(303);
      expect([await status(first), await status(jar.headers())]).to.deep.equal([401, 200]);

      const second = jar.headers();
      await jar.get('/nodes');
      expect((await jar.post('/logout', {})).status).to.equal(303);
      expect(jar.cookies.has('tracker_login')).to.equal(false);
      expect(await status(second)).to.equal(401);

      await jar.login('victor', PASSWORD);
      await inTransaction(db, (trx) => setPassword(trx, 'victor', PASSWORD));
      expect(await status(jar.headers())).to.equal(401);
    });

    it('ends a login after a day without use and after a week', async () => {
      const jar = new Jar(lab);
      await jar.login('victor', PASSWORD);
      const status = async (hours: number): Promise<number> => {
        lab.clock.at = NOW + hours * HOUR;
        return (await lab.get('/api/nodes', jar.headers())).status;
      };
      try {
        for (let hours = 23; hours < 168; hours += 23) {
          expect(await status(hours), `${hours} h`).to.equal(200);
          await settled(db, lab.clock.at);
        }
        expect(await status(168)).to.equal(401);
        expect(await status(161 + 24)).to.equal(401);
      } finally {
        lab.clock.at = NOW;
      }
    });

    it('writes logins and failures into the audit log, but no text that may be a password', async () => {
      await new Jar(lab).login('My secret pass phrase', 'oops, wrong field');
      const { items } = await listAudit(db.reader, { page: 1, perPage: 100 });
      expect(items.map((entry) => entry.action)).to.include.members(['login', 'login.failed', 'logout']);
      expect(JSON.stringify(items)).not.to.match(/secret pass/i);
    });
  });

  /** The use of a login is noted beside the answer: wait until it is. */
  async function settled(db: Database, at: number): Promise<void> {
    for (let tries = 0; tries < 200; tries++) {
      if ((await db.reader('web_logins').where('last_used_at', at).first('id')) !== undefined) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  describe(`the lock after failed logins on ${name}`, () => {
    let db: Database;
    let lab: Lab;

    beforeEach(async () => {
      db = await open();
      lab = await startLab(db, { server: { trustProxy: true } });
      await inTransaction(db, (trx) => addUser(trx, { name: 'anna', password: PASSWORD, role: 'admin' }, NOW));
    });
    afterEach(async () => {
      await lab.close();
      await db.close();
    });

    async function attempt(username: string, password: string, address: string): Promise<number> {
      const jar = new Jar(lab);
      await jar.get('/login');
      return (await jar.post('/login', { username, password }, { 'X-Forwarded-For': address })).status;
    }

    /** Failures as a login writes them, without the time that a password takes. */
    async function failed(count: number): Promise<void> {
      const failure = { at: NOW, actor: 'anna', address: '192.0.2.1', action: 'login.failed', subject: 'anna' };
      for (let k = 0; k < count; k++) await inTransaction(db, (trx) => writeAudit(trx, failure));
    }

    it('shuts a user out from that address after five failures, for fifteen minutes, and nobody else', async () => {
      await failed(4);
      expect(await attempt('anna', 'wrong', '192.0.2.1')).to.equal(401);
      const jar = new Jar(lab);
      await jar.get('/login');
      const fields = { username: 'anna', password: PASSWORD };
      const answer = await jar.post('/login', fields, { 'X-Forwarded-For': '192.0.2.1' });
      expect([answer.status, answer.headers.get('retry-after')]).to.deep.equal([429, '900']);
      expect(answer.text).to.include('try again in 15 minutes');
      expect(await attempt('anna', PASSWORD, '192.0.2.2')).to.equal(303);
      lab.clock.at = NOW + 15 * 60_000 - 1;
      expect(await attempt('anna', PASSWORD, '192.0.2.1')).to.equal(429);
      lab.clock.at = NOW + 15 * 60_000;
      expect(await attempt('anna', PASSWORD, '192.0.2.1')).to.equal(303);
    });

    it('gives many attempts at once no more tries than many in a row', async () => {
      const statuses = await Promise.all(Array.from({ length: 8 }, () => attempt('anna', 'wrong', '192.0.2.1')));
      expect(statuses.filter((status) => status === 401).length).to.be.at.most(5);
      expect(statuses.filter((status) => status === 429).length).to.be.at.least(3);
    });

    it('takes the address that our proxy saw, not one that the visitor made up', async () => {
      await failed(4);
      expect(await attempt('anna', 'wrong', '198.51.100.8, 192.0.2.1')).to.equal(401);
      expect(await attempt('anna', PASSWORD, '198.51.100.9, 192.0.2.1')).to.equal(429);
    });

    it('does not count a wrong API key', async () => {
      for (let k = 0; k < 25; k++) expect((await lab.get('/api/nodes', { 'X-API-Key': 'wrong' })).status).to.equal(401);
      expect(await attempt('anna', PASSWORD, '127.0.0.1')).to.equal(303);
    });
  });

  describe(`the first user on ${name}`, () => {
    it('is made once, by the one-time link, and is logged in', async () => {
      const db = await open();
      const lab = await startLab(db);
      try {
        const spent = await inTransaction(db, (trx) => createSetupLink(trx, NOW));
        const token = await inTransaction(db, (trx) => createSetupLink(trx, NOW));
        const jar = new Jar(lab);
        expect((await jar.get(`/setup/${spent}`)).status).to.equal(404);
        expect((await jar.get(`/setup/${token}`)).status).to.equal(200);
        const fields = { username: 'root', password: 'short', repeat: 'short' };
        const short = await jar.post(`/setup/${token}`, fields);
        expect(short.status).to.equal(422);
        expect(short.text).to.include('at least 10 characters');
        const right = { username: 'root', password: PASSWORD, repeat: PASSWORD };
        expect((await jar.post(`/setup/${token}`, right)).status).to.equal(303);
        expect((await jar.get('/')).status).to.equal(200);
        expect((await new Jar(lab).get(`/setup/${token}`)).status).to.equal(404);
        expect(JSON.stringify(lab.lines)).not.to.include(token);
      } finally {
        await lab.close();
        await db.close();
      }
    });

    it('is made by no link that is a day old', async () => {
      const db = await open();
      const lab = await startLab(db);
      try {
        const token = await inTransaction(db, (trx) => createSetupLink(trx, NOW));
        lab.clock.at = NOW + 24 * HOUR;
        expect((await new Jar(lab).get(`/setup/${token}`)).status).to.equal(404);
      } finally {
        await lab.close();
        await db.close();
      }
    });
  });
});
