import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { HOUR, NOW, startLab, type Lab } from './lab.js';
import { seed, type Seed } from './seed.js';

type Json = Record<string, unknown>;
const iso = (at: number): string => new Date(at).toISOString();

forEachDatabase((name, open) => {
  describe(`the reads of the API on ${name}`, () => {
    let db: Database;
    let lab: Lab;
    let ids: Seed;

    before(async () => {
      db = await open();
      ids = await seed(db);
      lab = await startLab(db);
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    async function idsOf(path: string, list: string, key = 'id'): Promise<unknown[]> {
      const { status, json } = await lab.get(path);
      expect(status, path).to.equal(200);
      return (json[list] as Json[]).map((row) => row[key]);
    }

    describe('nodes', () => {
      it('answers every field of a node that is seen', async () => {
        const { json } = await lab.get('/api/nodes/pve-01');
        expect(json).to.deep.equal({
          id: ids.nodes.one,
          name: 'pve-01',
          hostname: 'pve-01.example',
          cluster: 'lab',
          is_active: true,
          status: 'online',
          last_error: null,
          last_seen: iso(NOW - 10_000 + 60),
          clock_offset_ms: 31,
          boot_time: iso(NOW - 240 * HOUR),
          version: '9.2.3',
          coverage_since: iso(NOW - 720 * HOUR),
          source: 'pull',
          total_events: 1,
          total_vms: 2,
          running_vms: 1,
        });
      });

      it('keeps the last good list of a node that is not seen, and says why it is not', async () => {
        const { json } = await lab.get('/api/nodes/pve-02');
        expect(json).to.include({ status: 'unreachable', last_seen: iso(NOW - HOUR + 60), clock_offset_ms: null });
        expect(json['last_error']).to.equal('pve-02 did not answer within 10 s');
      });

      it('lists tracked nodes with their number, and with all=true also removed ones', async () => {
        const { json } = await lab.get('/api/nodes');
        expect(json['total']).to.equal(3);
        expect(await idsOf('/api/nodes', 'nodes', 'name')).to.deep.equal(['pve-01', 'pve-02', 'pve-09']);
        expect(await idsOf('/api/nodes?all=true', 'nodes', 'name')).to.include('old-01');
        expect(await idsOf('/api/nodes?cluster=lab', 'nodes', 'name')).to.deep.equal(['pve-01', 'pve-02']);
      });

      it('answers 404 for an unknown and for a removed node', async () => {
        expect((await lab.get('/api/nodes/pve-77')).json).to.deep.equal({ detail: 'There is no node "pve-77".' });
        expect((await lab.get('/api/nodes/old-01')).status).to.equal(404);
        expect((await lab.get('/api/nodes/old-01?all=true')).json).to.include({ is_active: false });
      });
    });

    describe('guests', () => {
      it('answers every field of a guest that runs, and names all bearers of its VMID', async () => {
        const { json } = await lab.get('/api/vms/104');
        const openMs = NOW - 10_000 + 5 - (NOW - 50 * HOUR + 123);
        expect(json).to.deep.equal({
          vm_id: '104',
          guest_id: ids.guests.web,
          name: 'vGPU-1',
          node: 'pve-01',
          cluster: 'lab',
          vm_type: 'qemu',
          status: 'running',
          is_tracked: true,
          is_template: false,
          cores: 4,
          memory_bytes: 8 * 2 ** 30,
          tags: ['gpu', 'prod'],
          pool: 'customers',
          first_seen: iso(NOW - 200 * HOUR),
          last_seen: iso(NOW - 10_000 + 5),
          destroyed_at: null,
          running_since: iso(NOW - 50 * HOUR + 123),
          active_session_id: ids.sessions.open,
          total_runtime_seconds: Math.floor((openMs + 20 * HOUR - 500) / 1000),
          formatted_runtime: '69h 59m',
          candidates: [
            { cluster: 'lab', node: 'pve-01', guest_id: ids.guests.web },
            { cluster: 'pve-09', node: 'pve-09', guest_id: ids.guests.twin },
          ],
        });
      });

      it('chooses by node, cluster and guest_id, and then names no candidates', async () => {
        for (const choice of ['node=pve-09', 'cluster=pve-09', `guest_id=${ids.guests.twin}`]) {
          const { json } = await lab.get(`/api/vms/104?${choice}`);
          expect(json, choice).to.include({ guest_id: ids.guests.twin, status: 'stopped' });
          expect(json, choice).not.to.have.property('candidates');
        }
      });

      it('calls a guest unknown while its node is not seen, and counts it up to the last good list', async () => {
        const { json } = await lab.get('/api/vms/105');
        expect(json).to.include({ status: 'unknown', vm_type: 'lxc', last_seen: iso(NOW - HOUR + 60) });
        expect(json).to.include({ active_session_id: ids.sessions.moved, total_runtime_seconds: 19 * 3600 });
        expect(json).to.include({ formatted_runtime: '19h 0m' });
      });

      it('answers for the guest that bears a VMID now; guest_id names an earlier one', async () => {
        expect((await lab.get('/api/vms/106')).json).to.include({ guest_id: ids.guests.quiet, name: 'quiet' });
        const earlier = await lab.get(`/api/vms/106?guest_id=${ids.guests.old}`);
        expect(earlier.json).to.include({ name: 'old', is_tracked: false, destroyed_at: iso(NOW - 100 * HOUR) });
      });

      it('lists the guests that exist, with all=true also those gone', async () => {
        const { json } = await lab.get('/api/vms');
        expect(json['total']).to.equal(4);
        expect(await idsOf('/api/vms', 'vms', 'vm_id')).to.deep.equal(['104', '104', '105', '106']);
        expect(await idsOf('/api/vms?all=1', 'vms', 'name')).to.include('old');
        expect(await idsOf('/api/vms?node=pve-09', 'vms', 'name')).to.deep.equal(['twin']);
        expect(await idsOf('/api/vms?cluster=lab', 'vms', 'name')).to.deep.equal(['vGPU-1', 'mail', 'quiet']);
      });

      it('answers 404 for a VMID that nobody bears, also for a text that is none', async () => {
        for (const path of ['/api/vms/999', '/api/vms/abc', '/api/vms/0104', '/api/vms/104?node=pve-02']) {
          const { status, json } = await lab.get(path);
          expect(status, path).to.equal(404);
          expect(json['detail'], path).to.match(/^No guest.* has the VMID/);
        }
      });
    });

    describe('sessions', () => {
      it('answers every field of a session that goes on', async () => {
        const { json } = await lab.get(`/api/sessions/${ids.sessions.open}`);
        const start = NOW - 50 * HOUR + 123;
        expect(json).to.deep.equal({
          id: ids.sessions.open,
          vm_id: '104',
          guest_id: ids.guests.web,
          vm_name: 'vGPU-1',
          vm_type: 'qemu',
          node: 'pve-01',
          cluster: 'lab',
          start_time: iso(start),
          start_earliest: iso(start - 1000),
          start_latest: iso(start + 1000),
          start_evidence: 'task',
          end_time: null,
          end_earliest: null,
          end_latest: null,
          end_evidence: null,
          end_reason: null,
          duration_seconds: Math.floor((50 * HOUR - 123 - 10_000 + 5) / 1000),
          is_running: true,
          proven_until: iso(NOW - 10_000 + 5),
          user: 'root@pam',
          start_upid: 'UPID:pve-01:0001:0002:6745:qmstart:104:root@pam:',
          stop_upid: null,
          segments: [{ node: 'pve-01', start_time: iso(start), end_time: null, cores: 4, memory_bytes: 8 * 2 ** 30 }],
          paused_seconds: 0,
          pauses: [],
          created_at: iso(start + 30_000),
        });
      });

      it('floors the duration of one that ended, once', async () => {
        const { json } = await lab.get(`/api/sessions/${ids.sessions.ended}`);
        expect(json).to.include({ duration_seconds: 20 * 3600 - 1, is_running: false, end_reason: 'shutdown' });
        expect(json).to.include({ end_time: iso(NOW - 60 * HOUR - 500), proven_until: iso(NOW - 60 * HOUR - 500) });
        expect(json).to.include({ end_evidence: 'poll', end_earliest: iso(NOW - 60 * HOUR - 2500) });
      });

      it('tells the pauses of one that lasted, with their bounds, and how long they were together', async () => {
        const start = NOW - 70 * HOUR;
        const edges = { start_earliest: start - 500, start_latest: start + 500, start_evidence: 'task' };
        const row = { session_id: ids.sessions.ended, kind: 'io-error', start_at: start, ...edges, start_upid: 'UPID' };
        const ended = { end_at: start + HOUR + 1500, end_earliest: start + HOUR, end_latest: start + HOUR + 3000 };
        await db.writer('pauses').insert({ ...row, ...ended, end_evidence: 'poll' });
        const { json } = await lab.get(`/api/sessions/${ids.sessions.ended}`);
        await db.writer('pauses').delete();
        expect(json).to.include({ paused_seconds: 3601, duration_seconds: 20 * 3600 - 1 });
        expect(json['pauses']).to.deep.equal([
          {
            kind: 'io-error',
            start_time: iso(start),
            start_earliest: iso(start - 500),
            start_latest: iso(start + 500),
            start_evidence: 'task',
            end_time: iso(start + HOUR + 1500),
            end_earliest: iso(start + HOUR),
            end_latest: iso(start + HOUR + 3000),
            end_evidence: 'poll',
            start_upid: 'UPID',
            end_upid: null,
          },
        ]);
      });

      it('counts a pause that lasts up to the last proof', async () => {
        const start = NOW - HOUR;
        const edges = { start_earliest: start, start_latest: start, start_evidence: 'task' };
        const { open: id } = ids.sessions;
        await db
          .writer('pauses')
          .insert({ session_id: id, open_session_id: id, kind: 'paused', start_at: start, ...edges });
        const { json } = await lab.get(`/api/sessions/${id}`);
        await db.writer('pauses').delete();
        expect(json['paused_seconds']).to.equal(Math.floor((HOUR - 10_000 + 5) / 1000));
        expect((json['pauses'] as Json[]).map((pause) => pause['end_time'])).to.deep.equal([null]);
      });

      it('leaves the earliest start open where the log does not reach it', async () => {
        const { json } = await lab.get(`/api/sessions/${ids.sessions.first}`);
        expect(json).to.include({ start_earliest: null, start_evidence: 'log_edge', end_reason: 'destroy' });
      });

      it('lists the newest start first', async () => {
        const { moved, twin, open, ended, first } = ids.sessions;
        expect(await idsOf('/api/sessions', 'sessions')).to.deep.equal([moved, twin, open, ended, first]);
      });

      it('pages, and tells the total', async () => {
        const { json } = await lab.get('/api/sessions?page=2&per_page=2');
        expect(json).to.include({ total: 5, page: 2, per_page: 2 });
        expect((json['sessions'] as Json[]).map((row) => row['id'])).to.deep.equal([
          ids.sessions.open,
          ids.sessions.ended,
        ]);
        const beyond = await lab.get('/api/sessions?page=99');
        expect(beyond.json).to.deep.equal({ sessions: [], total: 5, page: 99, per_page: 50 });
      });

      it('finds by VMID, guest and cluster; an unknown VMID has an empty list', async () => {
        const { open, twin, ended } = ids.sessions;
        expect(await idsOf('/api/sessions?vm_id=104', 'sessions')).to.deep.equal([twin, open, ended]);
        expect(await idsOf('/api/sessions/vm/104', 'sessions')).to.deep.equal([twin, open, ended]);
        expect(await idsOf('/api/sessions/vm/104?per_page=1&page=3', 'sessions')).to.deep.equal([ended]);
        expect(await idsOf('/api/sessions?vm_id=104&cluster=lab', 'sessions')).to.deep.equal([open, ended]);
        expect(await idsOf(`/api/sessions?guest_id=${ids.guests.twin}`, 'sessions')).to.deep.equal([twin]);
        expect(await idsOf('/api/sessions?vm_id=999', 'sessions')).to.deep.equal([]);
        expect(await idsOf('/api/sessions/vm/abc', 'sessions')).to.deep.equal([]);
      });

      it('finds by the node of any segment, and shows the node of the last', async () => {
        const onFirst = await lab.get('/api/sessions?node=pve-01&running_only=true');
        const rows = onFirst.json['sessions'] as Json[];
        expect(rows.map((row) => [row['id'], row['node']])).to.deep.equal([
          [ids.sessions.moved, 'pve-02'],
          [ids.sessions.open, 'pve-01'],
        ]);
        expect(await idsOf('/api/sessions?node=pve-02', 'sessions')).to.deep.equal([ids.sessions.moved]);
        expect(await idsOf('/api/sessions?node=pve-77', 'sessions')).to.deep.equal([]);
      });

      it('running_only=false filters nothing away', async () => {
        expect(await idsOf('/api/sessions?running_only=0', 'sessions')).to.have.length(5);
      });

      it('lists every session that overlaps a half-open range', async () => {
        const { open, ended, moved, twin, first } = ids.sessions;
        const range = (from: number, to: number): string =>
          `/api/sessions?start_date=${encodeURIComponent(iso(from))}&end_date=${encodeURIComponent(iso(to))}`;
        expect(await idsOf(range(NOW - 70 * HOUR, NOW - 60 * HOUR), 'sessions')).to.deep.equal([ended]);
        expect(await idsOf(range(NOW - 60 * HOUR - 500, NOW - 55 * HOUR), 'sessions')).to.deep.equal([]);
        expect(await idsOf(range(NOW - 60 * HOUR - 501, NOW - 55 * HOUR), 'sessions')).to.deep.equal([ended]);
        expect(await idsOf(range(NOW - 50 * HOUR, NOW - 50 * HOUR + 123), 'sessions')).to.deep.equal([]);
        expect(await idsOf(range(NOW - 50 * HOUR, NOW - 50 * HOUR + 124), 'sessions')).to.deep.equal([open]);
        expect(await idsOf(range(NOW - HOUR, NOW), 'sessions')).to.deep.equal([moved, open]);
        expect(await idsOf(`/api/sessions?end_date=${iso(NOW - 100 * HOUR)}`, 'sessions')).to.deep.equal([first]);
        expect(await idsOf(`/api/sessions?start_date=${iso(NOW - 29 * HOUR)}`, 'sessions')).not.to.include(twin);
      });

      it('reads a date alone as that day in the billing time zone', async () => {
        // The session ended at 2026-11-21T23:59:59.500Z: in Berlin that is the 22nd already.
        expect(await idsOf('/api/sessions?start_date=2026-11-22&vm_id=104', 'sessions')).to.include(ids.sessions.ended);
        expect(await idsOf('/api/sessions?start_date=2026-11-22T00:00Z&vm_id=104', 'sessions')).not.to.include(
          ids.sessions.ended,
        );
      });

      it('takes an offset whose plus came as a blank', async () => {
        const path = '/api/sessions?start_date=2026-11-22T00:59:59.400+01:00&vm_id=104&cluster=lab';
        expect(await idsOf(path, 'sessions')).to.include(ids.sessions.ended);
        const later = '/api/sessions?start_date=2026-11-22T00:59:59.600+01:00&vm_id=104&cluster=lab';
        expect(await idsOf(later, 'sessions')).not.to.include(ids.sessions.ended);
      });

      it('lists what runs, with its count', async () => {
        const { json } = await lab.get('/api/sessions/running');
        expect(json['running_count']).to.equal(2);
        expect(await idsOf('/api/sessions/running?node=pve-02', 'sessions')).to.deep.equal([ids.sessions.moved]);
      });

      it('answers 404 for an unknown session, also for an id that is no number', async () => {
        for (const id of ['4711', 'abc', '-1', '99999999999999999999', '1e3']) {
          const { status, json } = await lab.get(`/api/sessions/${id}`);
          expect([status, json['detail']], id).to.deep.equal([404, `There is no session ${id}.`]);
        }
      });
    });

    describe('gaps, keys, audit', () => {
      it('lists gaps, newest first, with the wire names of their fields', async () => {
        const { json } = await lab.get('/api/gaps');
        expect(json).to.include({ total: 2, page: 1, per_page: 50 });
        const rows = json['gaps'] as Json[];
        expect(rows[0]).to.include({
          cluster: 'lab',
          node: 'pve-02',
          end_time: null,
          reason: 'unreachable',
          proven: false,
        });
        expect(rows[1]).to.include({ start_time: iso(NOW - 30 * HOUR), end_time: iso(NOW - 29 * HOUR), proven: true });
      });

      it('pages gaps, and refuses what is no page', async () => {
        const { json } = await lab.get('/api/gaps?per_page=1&page=2');
        expect(json).to.include({ total: 2, page: 2, per_page: 1 });
        expect((json['gaps'] as Json[]).map((gap) => gap['node'])).to.deep.equal(['pve-01']);
        expect(await idsOf('/api/gaps?cluster=pve-09', 'gaps')).to.deep.equal([]);
        expect((await lab.get('/api/gaps?per_page=101')).status).to.equal(422);
      });

      it('finds gaps by node and by overlap', async () => {
        expect(await idsOf('/api/gaps?node=pve-01', 'gaps', 'reason')).to.deep.equal(['manager_down']);
        expect(await idsOf(`/api/gaps?end_date=${iso(NOW - 30 * HOUR)}`, 'gaps')).to.deep.equal([]);
        expect(await idsOf(`/api/gaps?start_date=${iso(NOW)}`, 'gaps', 'node')).to.deep.equal(['pve-02']);
      });

      it('lists keys without the key, and the audit log', async () => {
        const { json, text } = await lab.get('/api/keys');
        expect((json['keys'] as Json[]).map((key) => key['scope'])).to.deep.equal(['read', 'enrol']);
        expect((json['keys'] as Json[])[0]).to.have.all.keys([
          'id',
          'name',
          'scope',
          'node',
          'created_at',
          'last_used_at',
          'expires_at',
        ]);
        expect(text).not.to.include(lab.readKey);
        const audit = await lab.get('/api/audit');
        expect(audit.json).to.deep.equal({ entries: [], total: 0, page: 1, per_page: 50 });
      });
    });
  });
});
