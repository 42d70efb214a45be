import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, nodeReport, startLab, type Lab } from './lab.js';
import { seed } from './seed.js';

const admin = { 'X-API-Key': ADMIN_KEY };

forEachDatabase((name, open) => {
  describe(`the calls that poll, and health, on ${name}`, () => {
    let db: Database;
    let lab: Lab;

    before(async () => {
      db = await open();
      await seed(db);
      lab = await startLab(db);
    });
    after(async () => {
      await lab.close();
      await db.close();
    });
    beforeEach(() => lab.polls.splice(0));

    it('sync polls everything and tells what changed', async () => {
      lab.report = { nodes: [nodeReport('pve-01')], sessionsCreated: 1, sessionsUpdated: 2, sessionsSkipped: 3 };
      const { status, json } = await lab.send('POST', '/api/sessions/sync', '', admin);
      expect(status).to.equal(200);
      expect(json).to.deep.equal({
        success: true,
        message: '1 of 1 node answered.',
        sessions_created: 1,
        sessions_updated: 2,
        sessions_skipped: 3,
        errors: [],
      });
      expect(lab.polls).to.deep.equal([{ nodes: null }]);
    });

    it('keep the request id of a proxy where it may stand in a log, and make one else', async () => {
      const idOf = async (given: string): Promise<string> => {
        lab.lines.splice(0);
        const { headers } = await lab.get('/api/nodes', { ...admin, 'X-Request-Id': given });
        const id = headers.get('x-request-id') ?? '';
        expect(lab.lines.find(({ message }) => message === 'request')?.fields['id']).to.equal(id);
        return id;
      };
      expect(await idOf('edge-7f3a.12:4_b')).to.equal('edge-7f3a.12:4_b');
      for (const bad of ['a b', 'a"b', '-a', 'x'.repeat(101), '']) expect(await idOf(bad)).to.match(/^[0-9a-f-]{36}$/);
    });

    it('sync names each node that did not answer, and fails only where none did', async () => {
      const counts = { sessionsCreated: 0, sessionsUpdated: 0, sessionsSkipped: 0 };
      lab.report = { nodes: [nodeReport('pve-01'), nodeReport('pve-02', 'timed out after 10 s')], ...counts };
      const some = await lab.send('POST', '/api/sessions/sync', undefined, admin);
      expect(some.json).to.include({ success: true, message: '1 of 2 nodes answered.' });
      expect(some.json['errors']).to.deep.equal(['pve-02: timed out after 10 s']);
      lab.report = { nodes: [nodeReport('pve-02', 'timed out after 10 s')], ...counts };
      expect((await lab.send('POST', '/api/sessions/sync', undefined, admin)).json['success']).to.equal(false);
      lab.report = { nodes: [], ...counts };
      expect((await lab.send('POST', '/api/sessions/sync', undefined, admin)).json['success']).to.equal(true);
    });

    it('force-sync polls all nodes without a body, and one that it names', async () => {
      const counts = { sessionsCreated: 0, sessionsUpdated: 0, sessionsSkipped: 0 };
      lab.report = { nodes: [nodeReport('pve-01'), nodeReport('pve-02', 'timed out')], ...counts };
      for (const body of [undefined, '', '{}', '{"target_node":null}', '{"target_node":""}', '{"other":1}']) {
        const { status, json } = await lab.send('POST', '/api/ingest/force-sync', body, admin);
        expect(status, String(body)).to.equal(200);
        expect(json).to.deep.equal({ success: true, message: '1 of 2 nodes answered.', nodes_notified: 1 });
      }
      expect(lab.polls).to.have.length(6);
      expect(lab.polls.every((poll) => poll.nodes === null)).to.equal(true);
      await lab.send('POST', '/api/ingest/force-sync', '{"target_node":"pve-01"}', admin);
      expect(lab.polls.at(-1)).to.deep.equal({ nodes: ['pve-01'] });
    });

    it('force-sync of an unknown or removed node is 404 and polls nothing', async () => {
      for (const node of ['pve-77', 'old-01']) {
        const { status, json } = await lab.send(
          'POST',
          '/api/ingest/force-sync',
          JSON.stringify({ target_node: node }),
          admin,
        );
        expect([status, json]).to.deep.equal([404, { detail: `There is no node "${node}".` }]);
      }
      expect(lab.polls).to.deep.equal([]);
    });

    it('health needs no key, counts tracked nodes and tells no secret', async () => {
      const { status, json, headers } = await lab.get('/health', {});
      expect(status).to.equal(200);
      expect(json).to.deep.equal({
        status: 'healthy',
        version: '0.0.0-test',
        database: 'connected',
        active_nodes: 3,
        timestamp: '2026-11-24T12:00:00.000Z',
      });
      expect(headers.get('cache-control')).to.equal('no-store');
      expect((await lab.get('/ready', {})).json).to.include({ status: 'ready' });
      expect((await lab.get('/health', { 'X-API-Key': 'wrong' })).status).to.equal(200);
    });
  });

  describe(`health without a database on ${name}`, () => {
    it('answers 503, and other calls a 500 with a request id and nothing else', async () => {
      const db = await open();
      const lab = await startLab(db);
      await db.writer.destroy();
      await db.reader.destroy();
      try {
        const health = await lab.get('/health', {});
        expect(health.status).to.equal(503);
        expect(health.json).to.include({ status: 'unhealthy', database: 'unreachable', active_nodes: 0 });
        expect((await lab.get('/ready', {})).status).to.equal(503);
        const broken = await lab.get('/api/nodes', admin);
        expect(broken.status).to.equal(500);
        expect(broken.json['detail']).to.match(
          /^Something went wrong here; the log tells more under request [0-9a-f-]{36}\.$/,
        );
        expect(broken.headers.get('content-security-policy')).to.include("default-src 'none'");
      } finally {
        await lab.close();
      }
    });
  });
});
