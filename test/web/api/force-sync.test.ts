import { expect } from 'chai';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, keyOf, nodeReport, startLab, type Answer } from './lab.js';
type Json = Record<string, unknown>;

forEachDatabase((name, open) => {
  describe(`force-sync of agents on ${name}`, () => {
    it('is told once by each agent’s next heartbeat, also after a restart, and counts the agents', async () => {
      const db = await open();
      let lab = await startLab(db);
      const key = await keyOf(db, 'ingest');
      const beat = async (node: string): Promise<unknown> => {
        const answer = await lab.send('POST', '/api/ingest/heartbeat', JSON.stringify({ node }), { 'X-API-Key': key });
        return answer.json['force_sync'];
      };
      const sync = (body: Json): Promise<Answer> =>
        lab.send('POST', '/api/ingest/force-sync', JSON.stringify(body), { 'X-API-Key': ADMIN_KEY });
      try {
        lab.report = { ...lab.report, nodes: [] };
        expect([await beat('push-a'), await beat('push-b')]).to.deep.equal([false, false]);
        const one = await sync({ target_node: 'push-a' });
        expect(one.json).to.deep.equal({
          success: true,
          message: '1 agent is told at the next heartbeat.',
          nodes_notified: 1,
        });
        // Asked twice before it is told: it is told once.
        expect((await sync({ target_node: 'push-a' })).json['nodes_notified']).to.equal(1);
        expect([await beat('push-b'), await beat('push-a'), await beat('push-a')]).to.deep.equal([false, true, false]);
        lab.report = { ...lab.report, nodes: [nodeReport('pve-01'), nodeReport('pve-02', 'timed out')] };
        const all = await sync({});
        expect(all.json).to.include({ success: true, nodes_notified: 3 });
        expect(all.json['message']).to.equal('1 of 2 nodes answered. 2 agents are told at the next heartbeat.');
        await lab.close();
        lab = await startLab(db);
        expect([await beat('push-a'), await beat('push-b')]).to.deep.equal([true, true]);
        expect([await beat('push-a'), await beat('push-b')]).to.deep.equal([false, false]);
        expect((await sync({ target_node: 'push-c' })).status).to.equal(404);
      } finally {
        await lab.close();
        await db.close();
      }
    });
  });
});
