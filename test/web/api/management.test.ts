import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, HOUR, keyOf, nodeReport, NOW, startLab, type Answer, type Lab } from './lab.js';
import { seed, type Seed } from './seed.js';

const MINUTE = 60_000;
type Json = Record<string, unknown>;

forEachDatabase((name, open) => {
  describe(`what people change by hand on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let ingestKey: string;
    let node = '';
    let nodeCount = 0;
    const call = (method: string, path: string): Promise<Answer> =>
      lab.send(method, path, undefined, { 'X-API-Key': ADMIN_KEY });
    const start = (query: string): Promise<Answer> => call('POST', `/api/sessions/manual/start?${query}`);
    const stop = (id: unknown): Promise<Answer> => call('POST', `/api/sessions/manual/stop/${String(id)}`);
    const tell = (word: string, body: Json): Promise<Answer> =>
      lab.send('POST', `/api/ingest/${word}`, JSON.stringify({ node, ...body }), { 'X-API-Key': ingestKey });
    const sessions = async (query: string): Promise<Json[]> =>
      (await lab.get(`/api/sessions?${query}`)).json['sessions'] as Json[];
    const sessionOf = (answer: Answer): Json => answer.json['session'] as Json;
    const lastAudit = async (): Promise<Json | undefined> =>
      ((await lab.get('/api/audit?per_page=1')).json['entries'] as Json[])[0];

    before(async () => {
      db = await open();
      lab = await startLab(db);
      ingestKey = await keyOf(db, 'ingest');
    });
    beforeEach(() => {
      node = `hand-${++nodeCount}`;
      lab.clock.at = NOW;
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    it('begins a session of an unknown guest on an unknown node, counts it to now and ends it', async () => {
      const started = await start(`vm_id=900&node=${node}&user=alice`);
      expect(started.status).to.equal(200);
      expect(started.json['message']).to.equal('Session started');
      const session = sessionOf(started);
      expect(session).to.include({
        vm_id: '900',
        node,
        cluster: node,
        user: 'alice',
        is_running: true,
        end_time: null,
      });
      expect(session).to.include({ start_evidence: 'manual', start_time: new Date(NOW).toISOString() });
      expect(session).to.include({ start_earliest: session['start_time'], start_latest: session['start_time'] });
      expect(await lastAudit()).to.include({ action: 'session.start', actor: 'key security.admin_api_key' });
      expect((await lab.get(`/api/nodes/${node}`)).json).to.include({ status: 'online', source: 'push' });

      lab.clock.at += HOUR;
      const [running] = await sessions(`vm_id=900&node=${node}`);
      expect(running).to.include({ id: session['id'], duration_seconds: 3600, is_running: true });
      expect((await lab.get(`/api/vms/900?node=${node}`)).json).to.include({ total_runtime_seconds: 3600 });
      expect((await lab.get(`/api/vms/900/usage?node=${node}`)).json).to.include({
        total_seconds: 3600,
        unseen_seconds: 0,
      });

      const again = await start(`vm_id=900&node=${node}`);
      expect([again.status, sessionOf(again)['id']]).to.deep.equal([200, session['id']]);

      lab.clock.at += HOUR;
      const stopped = await stop(session['id']);
      expect(stopped.json['message']).to.equal('Session stopped');
      expect(sessionOf(stopped)).to.include({ id: session['id'], is_running: false, duration_seconds: 7200 });
      expect(sessionOf(stopped)).to.include({ end_evidence: 'manual', end_reason: 'manual', user: 'alice' });
      expect(await lastAudit()).to.include({ action: 'session.stop', subject: `session ${String(session['id'])}` });
      expect((await stop(session['id'])).status).to.equal(409);
      expect((await stop('987654')).status).to.equal(404);
      expect((await stop('none')).status).to.equal(404);
    });

    it('keeps apart a stop and a start in one millisecond', async () => {
      const first = sessionOf(await start(`vm_id=901&node=${node}`))['id'];
      await stop(first);
      const second = sessionOf(await start(`vm_id=901&node=${node}`))['id'];
      expect(second).not.to.equal(first);
      const listed = await sessions(`vm_id=901&node=${node}`);
      expect(listed.map((one) => [one['id'], one['is_running']])).to.deep.equal([
        [second, true],
        [first, false],
      ]);
    });

    it('puts a start that names no node on the node pve, and refuses what is no VMID', async () => {
      const { json } = await start('vm_id=902');
      expect(json['session']).to.include({ node: 'pve', vm_id: '902', user: 'key security.admin_api_key' });
      const missing = await start('node=pve');
      expect([missing.status, missing.json['detail']]).to.deep.equal([422, 'vm_id is missing.']);
      expect((await start('vm_id=web')).status).to.equal(422);
    });

    it('gives way to what an agent tells later', async () => {
      const id = sessionOf(await start(`vm_id=903&node=${node}`))['id'];
      lab.clock.at += 10 * MINUTE;
      await tell('vm-states', { vms: [{ vm_id: '903', status: 'running' }] });
      lab.clock.at += HOUR;
      // Somebody looks at the node by now: what nobody told since is not proven.
      expect((await sessions(`node=${node}`))[0]).to.include({ id, is_running: true, duration_seconds: 590 });
      await tell('vm-stop', { vm_id: '903' });
      expect((await sessions(`node=${node}`))[0]).to.include({ id, end_evidence: 'agent', start_evidence: 'manual' });
    });

    it('ends what an agent began', async () => {
      await tell('vm-start', { vm_id: '904' });
      lab.clock.at += MINUTE;
      const [session] = await sessions(`node=${node}`);
      expect(sessionOf(await stop(session?.['id']))).to.include({ end_reason: 'manual', duration_seconds: 60 });
    });
  });

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

  describe(`a word against what Proxmox says on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let seeded: Seed;
    const call = (path: string): Promise<Answer> => lab.send('POST', path, undefined, { 'X-API-Key': ADMIN_KEY });

    before(async () => {
      db = await open();
      seeded = await seed(db);
      lab = await startLab(db);
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    it('is refused where polls see the other state, and one with what they see changes nothing', async () => {
      const running = await call('/api/sessions/manual/start?vm_id=104&node=pve-01');
      expect([running.status, (running.json['session'] as Json)['id']]).to.deep.equal([200, seeded.sessions.open]);
      const stopped = await call('/api/sessions/manual/start?vm_id=106&node=pve-01');
      expect(stopped.status).to.equal(409);
      expect(stopped.json['detail']).to.match(/seen stopped/);
      const ran = await call(`/api/sessions/manual/stop/${seeded.sessions.open}`);
      expect(ran.status).to.equal(409);
      expect(ran.json['detail']).to.match(/seen running/);
    });

    it('counts where the node is not seen', async () => {
      const stopped = await call(`/api/sessions/manual/stop/${seeded.sessions.moved}`);
      expect(stopped.status).to.equal(200);
      expect(stopped.json['session']).to.include({ end_reason: 'manual', end_time: new Date(NOW).toISOString() });
      lab.clock.at += MINUTE;
      const started = await call('/api/sessions/manual/start?vm_id=105&node=pve-02');
      expect(started.json['session']).to.include({ vm_type: 'lxc', start_evidence: 'manual', node: 'pve-02' });
    });
  });
});
