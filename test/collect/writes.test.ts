import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';
import { demoScenario } from '../../src/simulator/scenarios.js';
import { BEGAN_AT, grown, HOUR, MINUTE, nodeOf, rowCounts, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const all = { nodes: null };

forEachDatabase((_name, open) => {
  describe('what polls write', () => {
    let lab: Lab;
    let db: Database;
    let manager: Collector;

    beforeEach(async () => {
      [lab, db] = await Promise.all([startLab(), open()]);
      manager = lab.manager(db);
      await manager.pollNow(all);
    });

    afterEach(() => lab.close());

    it('is one row per node and nothing else when nothing happened', async () => {
      // Who the guests are is read beside the first polls, once.
      await manager.identities.idle();
      await manager.pollNow(all);
      for (let round = 0; round < 3; round++) {
        const before = await rowCounts(db);
        const { revisions: _, ...rows } = grown(
          before,
          (lab.move(30 * SECOND), await manager.pollNow(all), await rowCounts(db)),
        );
        expect(rows, `round ${round}`).to.deep.equal({ polls: 4 });
      }
    });

    it('is nothing of a poll whose transaction fails, and the next one catches up', async () => {
      await lab.power('edge-01', 'lxc/102', 'start');
      lab.move(20 * SECOND);
      const before = await rowCounts(db);
      const allow = await forbid(db, 'polls');
      const report = await manager.pollNow({ nodes: ['edge-01'] });
      await allow();
      expect(report.nodes[0]).to.include({ isSeen: false, error: 'the database did not take the poll; see the log' });
      expect(grown(before, await rowCounts(db))).to.deep.equal({});
      expect(await sessionsOf(db, { vmid: 102, cluster: 'edge-01' })).to.deep.equal([]);
      lab.move(20 * SECOND);
      expect(await manager.pollNow({ nodes: ['edge-01'] })).to.include({ sessionsCreated: 1 });
      const [session, ...others] = await sessionsOf(db, { vmid: 102, cluster: 'edge-01' });
      expect(others).to.deep.equal([]);
      expect(session?.start.evidence).to.equal('uptime');
      expect(await db.reader('tasks').where({ cluster_id: session?.clusterId }).select('id')).to.have.length(1);
    });

    it('loses and doubles nothing where two managers write the same cluster', async () => {
      const other = lab.manager(db);
      await other.pollNow(all);
      for (const [k, [node, guest, command]] of [
        ['pve-01', 'qemu/102', 'start'],
        ['pve-02', 'qemu/104', 'stop'],
        ['pve-03', 'qemu/109', 'start'],
        ['pve-01', 'qemu/102', 'stop'],
      ].entries()) {
        await lab.power(node ?? '', guest ?? '', command ?? '');
        lab.move(30 * SECOND);
        const both = [manager, other];
        const reports = await Promise.all((k % 2 === 0 ? both : both.toReversed()).map((one) => one.pollNow(all)));
        expect(
          reports.flatMap(({ nodes }) => nodes.map(({ error }) => error)).filter((error) => error !== null),
        ).to.deep.equal([]);
      }
      const [ran, ...more] = await sessionsOf(db, { vmid: 102, cluster: 'lab' });
      expect(more).to.deep.equal([]);
      expect(ran?.end?.evidence).to.equal('task');
      expect((await sessionsOf(db, { vmid: 104 })).map(({ endReason }) => endReason)).to.deep.equal(['stop']);
      expect((await sessionsOf(db, { vmid: 109 })).map(({ end }) => end)).to.deep.equal([null]);
      const upids = (await db.reader('tasks').select('upid')) as { upid: string }[];
      expect(new Set(upids.map(({ upid }) => upid)).size)
        .to.equal(upids.length)
        .and.to.equal(4);
    });

    it('holds pools from the first poll on', async () => {
      const pools = (await db.reader('guests').whereNotNull('pool').select('pool')) as { pool: string }[];
      expect(pools.length).to.be.greaterThan(3);
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      expect(await db.reader('guest_changes').select('id')).to.deep.equal([]);
    });
  });

  describe('first contact', () => {
    it('reads a month of the log back', async () => {
      const nowAt = BEGAN_AT + HOUR;
      const [lab, db] = await Promise.all([startLab({ scenario: demoScenario(nowAt) }), open()]);
      lab.clock.at = nowAt + 400;
      try {
        const manager = lab.manager(db);
        await manager.pollNow(all);
        const node = await nodeOf(db, 'pve-03');
        expect(node.coverageSince).to.be.lessThan(nowAt - 25 * 24 * HOUR);
        const { count } = (await db.reader('sessions').count('* as count').first()) as { count: number };
        expect(Number(count)).to.be.greaterThan(100);
        await manager.identities.idle();
        await manager.pollNow(all);
        await manager.identities.idle();
        await manager.pollNow(all);
        const before = await rowCounts(db);
        lab.move(1000);
        await manager.pollNow(all);
        const { revisions: _, ...rows } = grown(before, await rowCounts(db));
        expect(rows).to.deep.equal({ polls: 4 });
        expect(lab.clock.at - nowAt).to.be.lessThan(MINUTE);
      } finally {
        await lab.close();
      }
    });
  });
});

/** Makes every insert into a table fail until the returned function is called. */
async function forbid(db: Database, table: string): Promise<() => Promise<void>> {
  const refuse =
    db.kind === 'sqlite'
      ? `BEGIN SELECT RAISE(ABORT, 'no more room'); END`
      : `FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no more room'`;
  await db.writer.raw(`CREATE TRIGGER refuse_all BEFORE INSERT ON ${table} ${refuse}`);
  return async () => void (await db.writer.raw('DROP TRIGGER refuse_all'));
}
