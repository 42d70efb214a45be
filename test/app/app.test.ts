import { setImmediate as turn } from 'node:timers/promises';
import { mock } from 'node:test';
import { expect } from 'chai';
import { createApp, type App } from '../../src/app.js';
import type { DatabaseConfig } from '../../src/config/config.js';
import { createKey } from '../../src/ledger/access.js';
import { inTransaction, openDatabase } from '../../src/ledger/database.js';
import { lastCheck } from '../../src/ledger/queries/findings.js';
import type { Log } from '../../src/log.js';
import { gapsOf, MINUTE, SECOND, sessionsOf, startLab, type Lab } from '../collect/lab.js';
import { forEachDatabase } from '../support/databases.js';

const all = { nodes: null };

interface Recorded {
  log: Log;
  lines: string[];
}

function recorder(): Recorded {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return { lines, log: { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') } };
}

forEachDatabase((_name, _open, fresh) => {
  describe('the whole manager', () => {
    let lab: Lab;
    let database: DatabaseConfig;
    const apps: App[] = [];

    const appOf = (change: Partial<Parameters<typeof createApp>[0]> = {}, parts = {}): App & Recorded => {
      const recorded = recorder();
      const app = createApp({ ...lab.config, database, ...change }, { clock: lab.clock, log: recorded.log, ...parts });
      apps.push(app);
      return Object.assign(app, recorded);
    };

    const stop = async (app: App): Promise<void> => {
      apps.splice(apps.indexOf(app), 1);
      await app.stop();
    };

    before(async () => void (lab = await startLab()));
    beforeEach(async () => void (database = await fresh.migrated()));
    afterEach(async () => {
      for (const app of [...apps]) await stop(app);
    });
    after(() => lab.close());

    it('shows a guest that was started and stopped by hand in /api/sessions, to whoever has a read key', async () => {
      const app = appOf();
      const { url } = await app.start();
      await app.pollNow(all);
      const { key } = await inTransaction(app.db, (trx) =>
        createKey(trx, { name: 'grafana', scope: 'read' }, lab.clock.at),
      );
      const sessions = async (query: string): Promise<Record<string, unknown>[]> => {
        const answer = await fetch(`${url}/api/sessions?${query}`, { headers: { 'x-api-key': key } });
        expect(answer.status).to.equal(200);
        return ((await answer.json()) as { sessions: Record<string, unknown>[] }).sessions;
      };
      expect((await fetch(`${url}/api/sessions`)).status).to.equal(401);
      expect(await sessions('vm_id=109')).to.deep.equal([]);

      const started = await lab.power('pve-03', 'qemu/109', 'start');
      lab.move(20 * SECOND);
      await app.pollNow(all);
      const [running] = await sessions('vm_id=109');
      expect(running).to.include({ vm_id: '109', node: 'pve-03', is_running: true, user: 'tracker@pve' });
      expect(running).to.include({ start_upid: started.upid, start_evidence: 'uptime', end_time: null });
      lab.move(30 * SECOND);
      const stopped = await lab.power('pve-03', 'qemu/109', 'stop');
      lab.move(20 * SECOND);
      await app.pollNow(all);
      const [ended, ...others] = await sessions('vm_id=109');
      expect(others).to.deep.equal([]);
      expect(ended).to.include({ id: running?.['id'], is_running: false, stop_upid: stopped.upid, end_reason: 'stop' });
      expect(ended?.['duration_seconds']).to.be.within(25, 60);
    });

    it('knows after a lone round who every guest is', async () => {
      const app = appOf();
      const report = await app.once();
      expect(report.nodes.map(({ error }) => error)).to.deep.equal([null, null, null, null]);
      const guests = (await app.db.reader('guests').where({ is_template: 0 })) as {
        type: string;
        uuid: string | null;
        hwaddr: string | null;
      }[];
      const known = guests.filter(({ type, uuid, hwaddr }) => (type === 'qemu' ? uuid : hwaddr) !== null);
      expect([known.length, new Set(known.map(({ type }) => type)).size]).to.deep.equal([guests.length, 2]);
    });

    it('stores who every guest is in its first round, before the next poll is due', async () => {
      const app = appOf();
      await app.start();
      const isDone = (): boolean => app.lines.some((line) => line.startsWith('info first poll done'));
      while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
      const { count } = (await app.db.reader('identities').count('* as count').first()) as { count: number | string };
      expect(Number(count)).to.be.above(4);
    });

    it('checks the ledger once a day, at night', async () => {
      const began = new Date(2026, 9, 6, 3, 16, 30).getTime();
      mock.timers.enable({ apis: ['setTimeout', 'Date'], now: began });
      // By seconds: what is due in the middle of a leap counts as missed.
      const pass = (seconds: number): void => {
        for (let k = 0; k < seconds; k += 1) mock.timers.tick(1000);
      };
      let app: App & Recorded;
      try {
        app = appOf({ nodes: [] });
        await app.start();
        pass(29);
        expect(app.lines.filter((line) => line.includes('the ledger was checked'))).to.deep.equal([]);
        expect(await lastCheck(app.db.reader)).to.equal(null);
        pass(2);
      } finally {
        mock.timers.reset();
      }
      // Once the manager stops no check is begun any more, so it is waited for.
      while (!app.lines.some((line) => line.includes('the ledger was checked'))) await turn();
      await stop(app);
      expect(app.lines.filter((line) => line.includes('the ledger was checked'))).to.have.length(1);
      const db = openDatabase(database);
      expect(await lastCheck(db.reader)).to.deep.equal({ at: lab.clock.at, count: 0 });
      await db.close();
    });

    it('goes on with the sessions of the manager before it, and notes the time between', async () => {
      const first = appOf();
      await first.start();
      await first.pollNow(all);
      const before = await sessionsOf(first.db);
      await stop(first);
      const stoppedAt = lab.clock.at;
      lab.move(10 * MINUTE);
      const second = appOf();
      await second.start();
      await second.pollNow(all);
      const after = await sessionsOf(second.db);
      expect(after.map(({ id, vmid, end }) => [id, vmid, end])).to.deep.equal(
        before.map(({ id, vmid, end }) => [id, vmid, end]),
      );
      const gaps = await gapsOf(second.db);
      expect(gaps.map(({ reason }) => reason)).to.deep.equal(Array.from({ length: 4 }, () => 'manager_down'));
      expect(gaps.every(({ startedAt, endedAt }) => startedAt === stoppedAt && endedAt === lab.clock.at)).to.equal(
        true,
      );
    });

    it('migrates an empty database, and tells once where the first user is made', async () => {
      database = await fresh.empty();
      const app = appOf();
      const { url } = await app.start();
      const links = app.lines.flatMap((line) => /open (\S+\/setup\/\S+) to make/.exec(line)?.[1] ?? []);
      expect(links).to.have.length(1);
      expect(links[0]).to.satisfy((link: string) => link.startsWith(url));
      expect((await fetch(links[0] ?? '')).status).to.equal(200);
    });

    it('starts without nodes, and says what to do next', async () => {
      const app = appOf({ nodes: [] });
      const { url } = await app.start();
      expect(app.lines.filter((line) => line.startsWith('warn there is no node yet'))).to.have.length(1);
      expect(await app.pollNow(all)).to.deep.equal({
        nodes: [],
        sessionsCreated: 0,
        sessionsUpdated: 0,
        sessionsSkipped: 0,
      });
      const health = (await (await fetch(`${url}/health`)).json()) as Record<string, unknown>;
      expect(health).to.include({ status: 'healthy', active_nodes: 0 });
    });

    it('refuses tables that are behind when it may not migrate', async () => {
      database = await fresh.empty();
      const app = appOf({}, { shouldMigrate: false });
      const error: unknown = await app.start().catch((thrown: unknown) => thrown);
      expect(String(error)).to.match(/the database lacks \d+ migrations: run "proxmox-tracker migrate" first/);
    });

    it('stops in the middle of its first round without a word of failure', async () => {
      const app = appOf();
      await app.start();
      await stop(app);
      // What was still under way would speak in one of the next turns.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(app.lines.filter((line) => line.startsWith('error'))).to.deep.equal([]);
      const again = appOf();
      await again.start();
      await again.pollNow(all);
      expect((await gapsOf(again.db)).map(({ reason }) => reason)).to.deep.equal([]);
    });

    it('stops as quietly while somebody waits for a force-sync', async () => {
      const app = appOf();
      await app.start();
      await app.pollNow(all);
      lab.move(30 * SECOND);
      const waiting = app.pollNow(all);
      await stop(app);
      expect((await waiting).nodes.map(({ error }) => error)).to.deep.equal([null, null, null, null]);
      expect(app.lines.filter((line) => line.startsWith('error'))).to.deep.equal([]);
    });
  });
});
