import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { keyOf, NOW, startLab, type Answer, type Lab } from './lab.js';

const MINUTE = 60_000;

/** As the agents of the field stamp: UTC with microseconds and no zone. */
function stamp(at: number): string {
  return new Date(at).toISOString().replace('Z', '123');
}

forEachDatabase((name, open) => {
  describe(`what agents of the field call on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let key: string;
    const post = (call: string, body: unknown): Promise<Answer> =>
      lab.send('POST', `/api/ingest/${call}`, JSON.stringify(body), { 'X-API-Key': key });
    const sessions = async (query: string): Promise<Record<string, unknown>[]> =>
      (await lab.get(`/api/sessions?${query}`)).json['sessions'] as Record<string, unknown>[];
    const pass = (ms: number): void => void (lab.clock.at += ms);

    // A node of its own for each test.
    let node = '';
    let nodeCount = 0;

    before(async () => {
      db = await open();
      lab = await startLab(db);
      key = await keyOf(db, 'ingest');
    });
    beforeEach(() => {
      node = `lab-${++nodeCount}`;
      lab.clock.at = NOW;
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    it('registers a node, and again the same one', async () => {
      const first = await post('register', { name: node, hostname: 'lab-1.example' });
      expect(first.status).to.equal(200);
      expect(first.json).to.include({ success: true });
      expect(first.json['node_id']).to.be.a('number');
      expect((await post('register', { name: node })).json['node_id']).to.equal(first.json['node_id']);
      const view = (await lab.get(`/api/nodes/${node}`)).json;
      expect(view).to.include({ name: node, hostname: 'lab-1.example', source: 'push', status: 'online' });
    });

    it('keeps a session from its start to its stop', async () => {
      await post('vm-states', {
        node,
        timestamp: stamp(lab.clock.at),
        vms: [{ vm_id: '104', vm_type: 'qemu', name: 'web', status: 'stopped', node }],
      });
      pass(MINUTE);
      const started = await post('vm-start', {
        node,
        vm_id: '104',
        vm_name: 'web',
        vm_type: 'qemu',
        start_time: stamp(lab.clock.at),
      });
      expect(started.json).to.include({ success: true });
      expect(started.json['session_id']).to.be.a('number');
      pass(MINUTE);
      const again = await post('vm-start', { node, vm_id: 104 });
      expect(again.json['session_id']).to.equal(started.json['session_id']);
      pass(58 * MINUTE);
      await post('heartbeat', { node, timestamp: stamp(lab.clock.at), stats: { any: 1 } });
      const [running] = await sessions(`vm_id=104&node=${node}`);
      expect(running).to.include({ is_running: true, end_time: null, node, start_evidence: 'agent' });
      expect(running?.['duration_seconds']).to.be.within(59 * 60 - 10, 59 * 60);
      pass(MINUTE);
      const stopped = await post('vm-stop', { node, vm_id: '104', stop_time: stamp(lab.clock.at) });
      expect(stopped.json).to.include({
        success: true,
        session_id: started.json['session_id'],
        duration_seconds: 3600,
      });
      const nothing = await post('vm-stop', { node, vm_id: '104' });
      expect(nothing.json).to.include({ success: true, session_id: null, duration_seconds: null });
      const [ended] = await sessions(`vm_id=104&node=${node}`);
      expect(ended).to.include({ end_evidence: 'agent', is_running: false, duration_seconds: 3600 });
      expect(await sessions(`vm_id=104&node=${node}`)).to.have.length(1);
    });

    it('finds by a snapshot what its agent missed while it was down', async () => {
      const vms = (status: string, uptime: number | null) => [
        { vm_id: '7', vm_type: 'lxc', name: 'ct', status, node, uptime, cpu: 0.1, memory: 1, maxmem: 2 },
      ];
      const states = (status: string, uptime: number | null) =>
        post('vm-states', { node, timestamp: stamp(lab.clock.at), vms: vms(status, uptime) });
      expect((await states('stopped', 0)).json).to.include({
        vms_processed: 1,
        sessions_started: 0,
        sessions_stopped: 0,
      });
      pass(60 * MINUTE);
      expect((await states('running', 120)).json).to.include({ sessions_started: 1 });
      const [session] = await sessions(`vm_id=7&node=${node}`);
      const startedAt = Date.parse(String(session?.['start_time']));
      expect(session).to.include({ start_evidence: 'uptime', vm_type: 'lxc' });
      expect(lab.clock.at - startedAt).to.be.within(119_000, 132_000);
      pass(60 * MINUTE);
      expect((await states('stopped', 0)).json).to.include({ sessions_stopped: 1 });
    });

    it('adds no row for a snapshot that tells nothing new', async () => {
      const states = (uptime: number) =>
        post('vm-states', {
          node,
          vms: [
            { vm_id: '7', status: 'running', uptime },
            { vm_id: '8', status: 'stopped' },
          ],
        });
      await states(90_000);
      const count = async (): Promise<number> =>
        Number(((await db.reader('agent_reports').count('* as n').first()) as { n: number }).n);
      const before = await count();
      pass(MINUTE);
      await states(90_060);
      expect(await count()).to.equal(before);
    });

    it('tells the same whether a heartbeat arrives in its turn or late', async () => {
      const bounds: unknown[] = [];
      for (const isLate of [false, true]) {
        const name = `${node}-${String(isLate)}`;
        const at = (minutes: number): string => stamp(NOW + minutes * MINUTE);
        const sent_at = at(40);
        const beat = () => post('heartbeat', { node: name, timestamp: at(20), sent_at });
        lab.clock.at = NOW + 40 * MINUTE;
        const stop = () => post('vm-stop', { node: name, vm_id: '9', stop_time: at(30), sent_at });
        await post('vm-states', { node: name, timestamp: at(0), sent_at, vms: [{ vm_id: '9', status: 'stopped' }] });
        await post('vm-start', { node: name, vm_id: '9', start_time: at(10), sent_at });
        for (const call of isLate ? [stop, beat] : [beat, stop]) await call();
        const [session] = await sessions(`vm_id=9&node=${name}`);
        bounds.push([session?.['end_earliest'], session?.['end_time'], session?.['end_latest']]);
      }
      expect(bounds[1]).to.deep.equal(bounds[0]);
      expect(Date.parse((bounds[0] as string[])[0] ?? '')).to.equal(NOW + 20 * MINUTE - 10_000);
    });

    it('counts an event once however often it is delivered', async () => {
      const body = {
        node,
        vm_id: '104',
        start_time: stamp(lab.clock.at),
        event_id: 'e-1',
        sent_at: stamp(lab.clock.at),
      };
      const first = await post('vm-start', body);
      await post('vm-stop', { node, vm_id: '104', event_id: 'e-2' });
      pass(MINUTE);
      const second = await post('vm-start', body);
      expect(second.json).to.deep.equal(first.json);
      expect(await sessions(`vm_id=104&node=${node}`)).to.have.length(1);
    });

    it('corrects a skewed agent by what it says its clock is', async () => {
      const skewMs = 3 * 60 * MINUTE;
      await post('vm-start', {
        node,
        vm_id: '104',
        start_time: stamp(lab.clock.at + skewMs),
        sent_at: stamp(lab.clock.at + skewMs),
      });
      const [session] = await sessions(`vm_id=104&node=${node}`);
      expect(Date.parse(String(session?.['start_time']))).to.equal(NOW);
    });

    it('refuses an absurd stamp of an event that has a name, and takes one that has none at its arrival', async () => {
      const far = stamp(lab.clock.at + 30 * 60 * 60 * 1000);
      const refused = await post('vm-start', { node, vm_id: '1', start_time: far, event_id: 'x' });
      expect(refused.status).to.equal(422);
      expect((await post('vm-start', { node, vm_id: '1', start_time: far })).status).to.equal(200);
      expect((await lab.get(`/api/nodes/${node}`)).json['last_error']).to.match(/clock is 30 h ahead/);
    });

    it('answers what does not fit with the path of the field', async () => {
      const bad = await post('vm-states', {
        node,
        vms: [
          { vm_id: '1', status: 'running' },
          { vm_id: '2', status: 'on' },
        ],
      });
      expect(bad.status).to.equal(422);
      expect(bad.json['errors']).to.deep.include({
        path: '/vms/1/status',
        message: 'must be equal to one of the allowed values',
      });
      expect((await post('vm-start', { node, vm_id: 'abc' })).status).to.equal(422);
      expect((await post('vm-start', { vm_id: '1' })).status).to.equal(422);
      expect((await post('heartbeat', { node, timestamp: 'yesterday' })).status).to.equal(422);
    });
  });
});
