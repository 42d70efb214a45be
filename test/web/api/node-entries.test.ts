import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { createKey } from '../../../src/ledger/access.js';
import { inTransaction } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, keyOf, NOW, startLab, type Answer, type Lab } from './lab.js';

const token = '12345678-aaaa-bbbb-cccc-1234567890ab';

forEachDatabase((name, open) => {
  describe(`POST /api/nodes on ${name}`, () => {
    let db: Database;
    let lab: Lab;

    before(async () => {
      db = await open();
      const named = { name: 'named', host: '127.0.0.9', port: 1, user: 'a@pve', tokenName: 't', tokenValue: 'x' };
      const more = { agentNames: [], scope: 'node', journal: false, trust: { kind: 'unverified' } };
      lab = await startLab(db, { nodes: [{ ...named, ...more }] as never });
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    /** Nothing listens at port 1 of the loopback. */
    const entry = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
      name: 'pve-09',
      host: '127.0.0.1',
      port: 1,
      user: 'tracker@pve',
      token_name: 'tracker',
      token_value: token,
      fingerprint: 'ab'.repeat(32),
      ...more,
    });
    const post = (body: unknown, key: string = ADMIN_KEY): Promise<Answer> =>
      lab.send('POST', '/api/nodes', JSON.stringify(body), { 'X-API-Key': key });
    const remove = (node: string): Promise<Answer> =>
      lab.send('DELETE', `/api/nodes/${node}`, undefined, { 'X-API-Key': ADMIN_KEY });

    it('answers with the node, says that it does not answer, and DELETE takes it away', async () => {
      const { status, json, text } = await post(entry());
      expect([status, json['success'], json['name']]).to.deep.equal([200, true, 'pve-09']);
      expect(json['message']).to.match(/^Node pve-09 added\. It does not answer: /);
      expect((await lab.get('/api/nodes/pve-09')).json).to.include({ id: json['node_id'], status: 'unreachable' });
      expect(text).to.not.contain(token);
      const audit = (await lab.get('/api/audit')).text;
      expect(audit).to.contain('entry.add');
      expect(audit).to.not.contain(token);
      expect((await remove('pve-09')).json).to.include({ success: true, deleted_sessions: 0 });
      expect((await lab.get('/api/nodes/pve-09')).status).to.equal(404);
      expect((await remove('pve-09')).status).to.equal(404);
    });

    it('spends an enrol key at its first success, and not before', async () => {
      const key = await keyOf(db, 'enrol');
      expect((await post(entry({ host: 'http://x' }), key)).status).to.equal(422);
      expect((await post(entry({ name: 'named' }), key)).status).to.equal(409);
      const both = await Promise.all([post(entry(), key), post(entry({ name: 'other', port: 2 }), key)]);
      expect(both.map(({ status }) => status).sort()).to.deep.equal([200, 401]);
      const third = await post(entry({ name: 'third', port: 3 }), key);
      expect([third.status, (await lab.get('/api/nodes')).json['total']]).to.deep.equal([401, 1]);
      for (const node of ['pve-09', 'other']) await remove(node);
    });

    it('takes only the node that a key was made for, and no key after an hour', async () => {
      const wish = { name: 'for one', scope: 'enrol' as const, node: 'pve-09' };
      const { key } = await inTransaction(db, (trx) => createKey(trx, wish, NOW));
      expect((await post(entry({ name: 'other' }), key)).status).to.equal(403);
      lab.clock.at = NOW + 3_600_000;
      expect((await post(entry(), key)).status).to.equal(401);
      lab.clock.at = NOW;
      expect((await post(entry(), key)).status).to.equal(200);
      await remove('pve-09');
    });

    it('names every fault at its field, and never the token', async () => {
      const { status, json, text } = await post(
        entry({ user: 'tracker', token_value: `${token} b`, fingerprint: 'x' }),
      );
      const errors = json['errors'] as { path: string; message: string }[];
      expect([status, errors.map(({ path }) => path)]).to.deep.equal([422, ['/user', '/token_value', '/fingerprint']]);
      expect(json['detail']).to.equal('user is "tracker", which has no realm: write tracker@pve or tracker@pam.');
      expect(text).to.not.contain(token);
      for (const body of [[], 'x', 7]) expect((await post(body)).status).to.equal(422);
    });
  });
});
