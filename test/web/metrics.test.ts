import { expect } from 'chai';
import { createApp, type App } from '../../src/app.js';
import { createKey } from '../../src/ledger/access.js';
import { inTransaction, openDatabase } from '../../src/ledger/database.js';
import { migrate } from '../../src/ledger/migrations.js';
import { overview } from '../../src/ledger/queries/overview.js';
import { silentLog } from '../../src/log.js';
import { createMetrics } from '../../src/web/metrics.js';
import { MINUTE, SECOND, startLab, type Lab } from '../collect/lab.js';
import { forEachDatabase } from '../support/databases.js';
import { startLab as startWeb } from './api/lab.js';

const all = { nodes: null };

forEachDatabase((_name, open, fresh) => {
  describe('the figures for a monitoring system', () => {
    let lab: Lab;
    let app: App;
    let url: string;
    let read: string;

    before(async () => {
      lab = await startLab();
      app = createApp({ ...lab.config, database: await fresh.migrated() }, { clock: lab.clock, log: silentLog });
      ({ url } = await app.start());
      await app.pollNow(all);
      const wish = { name: 'prometheus', scope: 'read' as const };
      read = (await inTransaction(app.db, (trx) => createKey(trx, wish, lab.clock.at))).key;
    });
    after(async () => {
      await app.stop();
      await lab.close();
    });

    const figures = async (): Promise<Map<string, number>> => {
      const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${read}` } });
      expect(answer.status).to.equal(200);
      expect(answer.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8');
      const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(/\S+$/.exec(line)?.[0])]));
    };

    it('need a key that may read', async () => {
      expect((await fetch(`${url}/metrics`)).status).to.equal(401);
      const { key } = await inTransaction(app.db, (trx) =>
        createKey(trx, { name: 'agent', scope: 'ingest' }, lab.clock.at),
      );
      const refused = await fetch(`${url}/metrics`, { headers: { 'X-API-Key': key } });
      expect(refused.status).to.equal(403);
      expect(await refused.json()).to.have.property('detail');
    });

    it('tell guests by state, open sessions, and how each node stands', async () => {
      const found = await figures();
      expect(found.get('tracker_guests{state="running"}')).to.equal(10);
      expect(found.get('tracker_open_sessions')).to.equal(10);
      const { stoppedCount, notSeenCount } = await overview(app.db.reader, lab.clock.at);
      expect(found.get('tracker_guests{state="stopped"}')).to.equal(stoppedCount);
      expect(found.get('tracker_guests{state="not_seen"}')).to.equal(notSeenCount);
      for (const node of ['pve-01', 'pve-02', 'pve-03', 'edge-01']) {
        expect(found.get(`tracker_node_online{node="${node}"}`), node).to.equal(1);
        expect(found.get(`tracker_node_gap_seconds{node="${node}"}`), node).to.equal(0);
      }
    });

    it('count polls by node and outcome, and tell for how long a node is not seen', async () => {
      const before = await figures();
      lab.fault({ kind: 'refused' }, 10 * MINUTE, { node: 'edge-01' });
      for (let k = 0; k < 3; k++) {
        lab.move(30 * SECOND);
        await app.pollNow(all);
      }
      const after = await figures();
      const grown = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
      expect(grown('tracker_polls_total{node="edge-01",outcome="unreachable"}')).to.be.at.least(3);
      expect(grown('tracker_polls_total{node="pve-01",outcome="online"}')).to.be.at.least(3);
      expect(grown('tracker_poll_seconds_count{node="pve-01"}')).to.be.at.least(3);
      expect(after.get('tracker_node_online{node="edge-01"}')).to.equal(0);
      expect(after.get('tracker_node_gap_seconds{node="edge-01"}')).to.be.within(90, 91);
      expect(grown('tracker_write_seconds_count{what="polls"}')).to.be.above(0);
    });

    it('tell of the process and its event loop', async () => {
      const names = [...(await figures()).keys()];
      for (const name of ['process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds'])
        expect(names).to.include(name);
    });
  });

  describe('the figures of agents', () => {
    it('count calls by name and outcome, and make no series of what a visitor invents', async () => {
      const db = await open();
      const web = await startWeb(db);
      try {
        const agent = { 'X-API-Key': 'the-shared-key-of-the-agents-0123456789' };
        const say = (call: string, body: unknown): Promise<{ status: number }> =>
          web.send('POST', `/api/ingest/${call}`, JSON.stringify(body), agent);
        expect((await say('heartbeat', { node: 'n1' })).status).to.equal(200);
        expect((await say('vm-start', { node: 'n1' })).status).to.equal(422);
        await say('made-up', {});
        await web.get('/made/up');
        const { text } = await web.get('/metrics');
        expect(text).to.match(/^tracker_ingest_calls_total\{call="heartbeat",outcome="taken"\} 1$/m);
        expect(text).to.match(/^tracker_ingest_calls_total\{call="vm-start",outcome="refused"\} 1$/m);
        expect(text).not.to.match(/made/);
        expect(text).to.match(/^tracker_write_seconds_count\{what="calls"\} 1$/m);
      } finally {
        await web.close();
      }
    });
  });

  describe('readiness', () => {
    it('waits for the first round of polls', async () => {
      const web = await startWeb(await open());
      try {
        web.isFirstRoundDone = false;
        const early = await web.get('/ready', {});
        expect(early.status).to.equal(503);
        expect(early.json).to.deep.include({ status: 'not ready', waits_for: ['the first round of polls'] });
        web.isFirstRoundDone = true;
        const { status, json } = await web.get('/ready', {});
        expect([status, json['status']]).to.deep.equal([200, 'ready']);
        expect(await web.db.reader('settings').where({ name: 'write_probe' })).to.deep.equal([]);
      } finally {
        await web.close();
      }
    });

    it('tells of a database that answers, but takes no rows', async () => {
      const db = await open();
      const web = await startWeb(db);
      try {
        await db.writer.schema.renameTable('settings', 'settings_away');
        const { status, json } = await web.get('/ready', {});
        expect([status, json['waits_for']]).to.deep.equal([503, ['the database']]);
        expect((await web.get('/health', {})).status).to.equal(200);
        await db.writer.schema.renameTable('settings_away', 'settings');
        // One probe answers for a few seconds, whoever asks.
        expect((await web.get('/ready', {})).status).to.equal(503);
        web.clock.at += 6 * SECOND;
        expect((await web.get('/ready', {})).status).to.equal(200);
      } finally {
        await web.close();
      }
    });
  });
});

describe('the names of nodes in figures', () => {
  it('are a thousand at most', async () => {
    const db = openDatabase({ type: 'sqlite', file: ':memory:' });
    await migrate(db, { log: silentLog });
    const clock = { now: () => 0, monotonicMs: () => 0 };
    const metrics = createMetrics({ db, clock, watchesProcess: false });
    for (let k = 0; k < 1010; k++) metrics.pollSkipped(`node-${k}`);
    const series = (await metrics.report()).match(/^tracker_polls_skipped_total\{.*$/gm) ?? [];
    expect(series).to.have.length(1001);
    expect(series).to.include('tracker_polls_skipped_total{node="(others)"} 10');
    await db.close();
  });
});
