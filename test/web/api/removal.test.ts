import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, HOUR, keyOf, NOW, startLab, type Answer, type Lab } from './lab.js';
import { seed } from './seed.js';

const MINUTE = 60_000;
type Json = Record<string, unknown>;

forEachDatabase((name, open) => {
  describe(`what is removed on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let key: string;
    const remove = (path: string): Promise<Answer> => lab.send('DELETE', path, undefined, { 'X-API-Key': ADMIN_KEY });
    const states = (node: string, vmId: string, uptime?: number): Promise<Answer> => {
      const vms = [{ vm_id: vmId, status: 'running', uptime }];
      return lab.send('POST', '/api/ingest/vm-states', JSON.stringify({ node, vms }), { 'X-API-Key': key });
    };
    const sessions = async (query: string): Promise<Json[]> =>
      (await lab.get(`/api/sessions?${query}`)).json['sessions'] as Json[];
    const count = async (table: string, where: Json): Promise<number> =>
      Number(((await db.reader(table).where(where).count('* as n').first()) as { n: number }).n);

    before(async () => {
      db = await open();
      await seed(db);
      lab = await startLab(db);
      key = await keyOf(db, 'ingest');
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    it('ends the sessions of a node at their last proof, hides it, and lets a report bring it back', async () => {
      await states('bye', '300', 60);
      lab.clock.at += 10 * MINUTE;
      await lab.send('POST', '/api/ingest/heartbeat', JSON.stringify({ node: 'bye' }), { 'X-API-Key': key });
      lab.clock.at += 10 * MINUTE;
      const [before] = await sessions('vm_id=300');
      expect((await remove('/api/nodes/bye')).json).to.include({ success: true });
      const [ended] = await sessions('vm_id=300');
      expect(ended).to.include({ id: before?.['id'], is_running: false, end_reason: 'removed' });
      expect(ended?.['end_time']).to.equal(before?.['proven_until']);
      expect((await lab.get('/api/nodes/bye')).status).to.equal(404);
      expect((await remove('/api/nodes/bye')).status).to.equal(404);
      expect((await lab.get('/api/nodes/bye?all=true')).json).to.include({ is_active: false });
      const [entry] = (await lab.get('/api/audit?per_page=1')).json['entries'] as Json[];
      expect(entry).to.include({ action: 'node.delete', subject: 'bye' });
      lab.clock.at += 10 * MINUTE;
      await states('bye', '300', 60 + 30 * 60);
      expect((await lab.get('/api/nodes/bye')).json).to.include({ is_active: true });
      // The same process: it never ended.
      expect(await sessions('vm_id=300')).to.have.length(1);
      expect((await sessions('vm_id=300'))[0]).to.include({ id: before?.['id'], is_running: true });
    });

    it('refuses a node that config.yaml names', async () => {
      const entry = { name: 'pve-02', host: '127.0.0.1', port: 8006, agentNames: [], trust: { kind: 'unverified' } };
      const named = await startLab(db, { nodes: [entry] as never });
      try {
        const answer = await named.send('DELETE', '/api/nodes/pve-02', undefined, { 'X-API-Key': ADMIN_KEY });
        expect(answer.status).to.equal(409);
        expect(answer.json['detail']).to.match(/named in config.yaml/);
        expect((await named.get('/api/nodes/pve-02')).status).to.equal(200);
      } finally {
        await named.close();
      }
    });

    it('ends what polls saw run on a node that nothing leads to any more', async () => {
      expect((await remove('/api/nodes/pve-02')).status).to.equal(200);
      const [mail] = await sessions('vm_id=105');
      expect(mail).to.include({ is_running: false, end_reason: 'removed' });
      expect(mail?.['end_time']).to.equal(new Date(NOW - HOUR + 60).toISOString());
    });

    it('purges what a node had, and begins anew when it is heard of again', async () => {
      await states('gone', '301', 60);
      const [{ guest_id: guestId } = {}] = await sessions('vm_id=301');
      expect((await remove('/api/nodes/gone?purge=true')).json).to.include({ success: true, deleted_sessions: 1 });
      expect(await sessions('vm_id=301')).to.deep.equal([]);
      expect(await count('agent_reports', { guest_id: guestId })).to.equal(0);
      lab.clock.at += 10 * MINUTE;
      await states('gone', '301', 30);
      expect(await sessions('vm_id=301')).to.have.length(1);
    });

    it('deletes a guest with its sessions, and asks which one where several bear the VMID', async () => {
      const many = await remove('/api/vms/104');
      expect(many.status).to.equal(422);
      expect(many.json['detail']).to.match(/lab on pve-01 \(guest_id \d+\), pve-09 on pve-09/);
      const one = await remove('/api/vms/104?node=pve-01');
      expect(one.json).to.include({ success: true, deleted_tracked: 1, deleted_sessions: 2 });
      expect(await sessions('vm_id=104&node=pve-01')).to.deep.equal([]);
      expect((await remove('/api/vms/104?node=pve-01')).status).to.equal(404);
      const [entry] = (await lab.get('/api/audit?per_page=1')).json['entries'] as Json[];
      expect(entry).to.include({ action: 'vm.delete', subject: 'qemu 104', actor: 'key security.admin_api_key' });
    });
  });
});
