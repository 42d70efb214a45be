import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, HOUR, keyOf, NOW, startLab, type Answer, type Lab } from './lab.js';
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
