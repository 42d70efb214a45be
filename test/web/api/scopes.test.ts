import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { createKey, revokeKey } from '../../../src/ledger/access.js';
import { inTransaction } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, HOUR, keyOf, NOW, SHARED_KEY, startLab, type Lab } from './lab.js';

forEachDatabase((name, open) => {
  describe(`keys and scopes on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    const keys: Record<string, string> = {};

    before(async () => {
      db = await open();
      lab = await startLab(db);
      keys['none'] = '';
      keys['wrong'] = 'x'.repeat(43);
      keys['shared'] = SHARED_KEY;
      keys['configured admin'] = ADMIN_KEY;
      for (const scope of ['ingest', 'read', 'admin', 'enrol'] as const) keys[scope] = await keyOf(db, scope);
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    // wire-contract.md, "Auth": the credentials are judged before the route.
    const table: [string, string, Record<string, number>][] = [
      ['GET', '/api/nodes', { none: 401, wrong: 401, shared: 403, ingest: 403, enrol: 403, read: 200, admin: 200 }],
      ['GET', '/api/audit', { none: 401, shared: 403, read: 200, 'configured admin': 200 }],
      ['GET', '/api/vms/104/usage', { none: 401, wrong: 401, shared: 403, ingest: 403, enrol: 403, read: 404 }],
      ['GET', '/api/vms/104/daily', { none: 401, wrong: 401, shared: 403, ingest: 403, enrol: 403, read: 404 }],
      ['POST', '/api/vms/104/usage', { none: 401, ingest: 403, read: 403, admin: 405 }],
      ['HEAD', '/api/nodes', { none: 401, ingest: 403, read: 200 }],
      ['GET', '/api/none-such', { none: 401, wrong: 401, ingest: 403, read: 404, admin: 404 }],
      ['GET', '/api', { none: 401, ingest: 403, read: 404 }],
      ['POST', '/api/none-such', { none: 401, ingest: 403, read: 403, enrol: 403, admin: 404 }],
      ['POST', '/api/nodes', { none: 401, read: 403, ingest: 403, enrol: 422, admin: 422 }],
      ['DELETE', '/api/sessions', { none: 401, read: 403, admin: 405 }],
      ['OPTIONS', '/api/sessions', { none: 401, read: 405 }],
      ['POST', '/api/sessions/sync', { none: 401, wrong: 401, ingest: 403, read: 403, enrol: 403, admin: 200 }],
      ['POST', '/api/sessions/manual/start', { none: 401, wrong: 401, ingest: 403, read: 403, enrol: 403, admin: 422 }],
      ['POST', '/api/sessions/manual/stop/4711', { none: 401, shared: 403, read: 403, enrol: 403, admin: 404 }],
      ['DELETE', '/api/nodes/none-such', { none: 401, wrong: 401, ingest: 403, read: 403, enrol: 403, admin: 404 }],
      ['DELETE', '/api/vms/4711', { none: 401, wrong: 401, ingest: 403, read: 403, enrol: 403, admin: 404 }],
      ['GET', '/api/sessions/manual/start', { none: 401, ingest: 403, read: 405 }],
      ['POST', '/api/ingest/force-sync', { none: 401, shared: 403, ingest: 403, read: 403, 'configured admin': 200 }],
      ['GET', '/api/ingest/force-sync', { none: 401, ingest: 403, read: 403, admin: 405 }],
      ['POST', '/api/ingest/none-such', { none: 401, read: 403, enrol: 403, ingest: 404, shared: 404, admin: 404 }],
    ];
    for (const [method, path, expected] of table) {
      it(`answers ${method} ${path} by the scope of the key`, async () => {
        for (const [holder, status] of Object.entries(expected)) {
          const key = keys[holder] ?? '';
          const answer = await lab.send(method, path, undefined, key === '' ? {} : { 'X-API-Key': key });
          expect(answer.status, holder).to.equal(status);
          if (status >= 400 && method !== 'HEAD') expect(answer.json['detail'], holder).to.match(/^\S.*\.$/);
        }
      });
    }

    it('takes Authorization: Bearer for the same, and the key header first', async () => {
      const read = keys['read'] ?? '';
      expect((await lab.get('/api/nodes', { Authorization: `Bearer ${read}` })).status).to.equal(200);
      expect((await lab.get('/api/nodes', { Authorization: `bearer ${read}` })).status).to.equal(200);
      expect((await lab.get('/api/nodes', { Authorization: `Basic ${read}` })).status).to.equal(401);
      expect((await lab.get('/api/nodes', { Authorization: `Bearer ${read}`, 'X-API-Key': 'wrong' })).status).to.equal(
        401,
      );
    });

    it('opens nothing for a revoked or an expired key', async () => {
      const wish = { name: 'short', scope: 'read' as const, expiresAt: NOW + HOUR };
      const short = await inTransaction(db, (trx) => createKey(trx, wish, NOW));
      const gone = await inTransaction(db, (trx) => createKey(trx, { name: 'gone', scope: 'read' }, NOW));
      const status = async (key: string): Promise<number> => (await lab.get('/api/nodes', { 'X-API-Key': key })).status;
      expect([await status(short.key), await status(gone.key)]).to.deep.equal([200, 200]);
      expect(await inTransaction(db, (trx) => revokeKey(trx, gone.id, NOW))).to.equal(true);
      expect(await inTransaction(db, (trx) => revokeKey(trx, gone.id, NOW))).to.equal(false);
      lab.clock.at = NOW + HOUR;
      expect([await status(short.key), await status(gone.key)]).to.deep.equal([401, 401]);
      lab.clock.at = NOW;
    });

    it('opens pages for a read key, answers 403 for too small a one and sends nobody to the login', async () => {
      expect((await lab.get('/nodes', { 'X-API-Key': keys['read'] ?? '' })).status).to.equal(200);
      expect((await lab.get('/nodes', { 'X-API-Key': keys['ingest'] ?? '' })).status).to.equal(403);
      expect((await lab.get('/nodes', { 'X-API-Key': 'wrong' })).status).to.equal(401);
      const nobody = await lab.get('/nodes', {});
      expect([nobody.status, nobody.headers.get('location')]).to.deep.equal([303, '/login']);
    });
  });

  describe(`keys of the configuration on ${name}`, () => {
    it('has the scopes that it is given, and an empty one opens nothing', async () => {
      const db = await open();
      const lab = await startLab(db, { security: { apiKeyScopes: ['ingest', 'read'], adminApiKey: '' } });
      try {
        expect((await lab.get('/api/nodes', { 'X-API-Key': SHARED_KEY })).status).to.equal(200);
        expect((await lab.send('POST', '/api/sessions/sync', '', { 'X-API-Key': SHARED_KEY })).status).to.equal(403);
        expect((await lab.get('/api/nodes', { 'X-API-Key': ADMIN_KEY })).status).to.equal(401);
        expect((await lab.get('/api/nodes', { 'X-API-Key': '' })).status).to.equal(401);
        expect((await lab.get('/api/nodes', { Authorization: 'Bearer ' })).status).to.equal(401);
      } finally {
        await lab.close();
        await db.close();
      }
    });
  });
});

forEachDatabase((name, open) => {
  describe(`trusted addresses on ${name}`, () => {
    let db: Database;
    const REPORT = '/api/ingest/heartbeat';
    const body = JSON.stringify({ node: 'pve-push' });

    before(async () => {
      db = await open();
    });
    after(() => db.close());

    /** What the calls are answered at a manager with that configuration, which they reach from 127.0.0.1. */
    async function statusesAt(
      server: { trustedIps: string[]; trustProxy?: boolean },
      calls: [method: string, path: string, headers?: Record<string, string>][],
    ): Promise<number[]> {
      const { trustedIps, trustProxy = false } = server;
      const lab = await startLab(db, { security: { trustedIps }, server: { trustProxy } });
      try {
        const statuses: number[] = [];
        for (const [method, path, headers = {}] of calls) {
          const isRead = method === 'GET';
          statuses.push((await lab.send(method, path, isRead ? undefined : body, headers)).status);
        }
        return statuses;
      } finally {
        await lab.close();
      }
    }

    it('lets agents report without a key, and opens nothing else', async () => {
      const statuses = await statusesAt({ trustedIps: ['127.0.0.0/8'] }, [
        ['POST', REPORT],
        ['POST', `${REPORT}/`],
        ['POST', REPORT, { 'X-API-Key': '' }],
        ['POST', '/api/ingest/none-such'],
        ['POST', '/api/ingest/force-sync'],
        ['POST', '/api/ingest/force-sync/'],
        ['POST', '/api/ingest/FORCE-SYNC'],
        ['GET', '/api/nodes'],
        ['POST', '/api/nodes'],
        ['POST', '/api/sessions/sync'],
        ['GET', '/nodes'],
      ]);
      expect(statuses).to.deep.equal([200, 200, 200, 404, 401, 401, 403, 401, 401, 401, 303]);
    });

    it('is not trusted with a key that is wrong or of another scope, nor with a page behind it', async () => {
      const statuses = await statusesAt({ trustedIps: ['127.0.0.1'] }, [
        ['POST', REPORT, { 'X-API-Key': 'wrong' }],
        ['POST', REPORT, { Authorization: 'Bearer wrong' }],
        ['POST', REPORT, { 'X-API-Key': await keyOf(db, 'read') }],
        ['POST', REPORT, { 'X-API-Key': SHARED_KEY }],
        ['POST', REPORT, { Origin: 'https://evil.example' }],
        ['POST', REPORT, { Origin: 'null' }],
      ]);
      expect(statuses).to.deep.equal([401, 401, 403, 200, 401, 401]);
    });

    it('is that of the socket, and with trust_proxy the last one that the proxy names', async () => {
      const calls: [string, string, Record<string, string>][] = [
        ['POST', REPORT, {}],
        ['POST', REPORT, { 'X-Forwarded-For': '10.0.0.5' }],
        ['POST', REPORT, { 'X-Forwarded-For': '10.0.0.5, 192.0.2.1' }],
        ['POST', REPORT, { 'X-Forwarded-For': '192.0.2.1, 10.0.0.5' }],
      ];
      expect(await statusesAt({ trustedIps: ['10.0.0.0/8'] }, calls)).to.deep.equal([401, 401, 401, 401]);
      expect(await statusesAt({ trustedIps: ['127.0.0.1'] }, calls)).to.deep.equal([200, 200, 200, 200]);
      const trustProxy = true;
      expect(await statusesAt({ trustedIps: ['10.0.0.0/8'], trustProxy }, calls)).to.deep.equal([401, 200, 401, 200]);
      expect(await statusesAt({ trustedIps: ['127.0.0.1'], trustProxy }, calls)).to.deep.equal([200, 401, 401, 401]);
    });
  });
});
