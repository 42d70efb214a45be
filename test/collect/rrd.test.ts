import { expect } from 'chai';
import type { Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';
import { MINUTE, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const here = { nodes: ['pve-01'] };

forEachDatabase((_name, open) => {
  describe('the rrd data of a node', function () {
    this.timeout(60_000);
    let lab: Lab;
    let db: Database;

    beforeEach(async () => {
      [lab, db] = await Promise.all([startLab(), open()]);
    });

    afterEach(() => lab.close());

    /** Ends a guest without a task while the manager is down for forty minutes; yields when it truly ended. */
    async function missPowerOff(vmid: number): Promise<number> {
      await lab.manager(db).pollNow(here);
      lab.move(25 * MINUTE + 13 * SECOND);
      lab.simulator.act({ at: lab.clock.at, kind: 'poweroff', vmid, cluster: 'lab' });
      lab.move(15 * MINUTE);
      const truth = lab.simulator.world
        .truth(lab.clock.at)
        .findLast((one) => one.vmid === vmid && one.cluster === 'lab');
      if (truth?.endedAt === null || truth === undefined) throw new Error(`guest ${vmid} did not end`);
      return truth.endedAt;
    }

    const endOf = async (vmid: number) => (await sessionsOf(db, { vmid, cluster: 'lab' }))[0]?.end ?? null;

    it('brings an end that fell into a gap of the manager down to minutes, with the next poll', async () => {
      const endedAt = await missPowerOff(100);
      const manager = lab.manager(db);
      await manager.pollNow(here);
      const wide = await endOf(100);
      expect(wide?.evidence).to.equal('poll');
      expect((wide?.latest ?? 0) - (wide?.earliest ?? 0)).to.be.above(39 * MINUTE);
      lab.move(30 * SECOND);
      await manager.pollNow(here);
      const end = await endOf(100);
      expect(end?.evidence).to.equal('rrd');
      expect(endedAt).to.be.within(end?.earliest ?? Infinity, end?.latest ?? -Infinity);
      expect((end?.latest ?? 0) - (end?.earliest ?? 0)).to.be.below(5 * MINUTE);
      expect(Math.abs((end?.at ?? 0) - endedAt)).to.be.below(2 * MINUTE);
    });

    it('is kept: another manager says the same, and asks for an end of the last hour once more at most', async () => {
      await missPowerOff(100);
      const manager = lab.manager(db);
      await manager.pollNow(here);
      lab.move(30 * SECOND);
      await manager.pollNow(here);
      const before = await endOf(100);
      const next = lab.manager(db);
      const requests = (): number =>
        [...next.roster.members.values()].reduce((sum, { routes }) => sum + (routes[0]?.api.requestCount ?? 0), 0);
      const counts: number[] = [];
      for (let k = 0; k < 5; k += 1) {
        const sum = requests();
        await next.pollNow(here);
        counts.push(requests() - sum);
        lab.move(30 * SECOND);
      }
      expect(await endOf(100)).to.deep.equal(before);
      const marks = (await db.reader('rrd_marks').select('stamp_s')) as { stamp_s: number }[];
      expect(new Set(marks.map(({ stamp_s }) => stamp_s)).size).to.equal(marks.length);
      expect(counts[4]).to.equal(counts[3]);
    });

    it('costs a node nothing but the narrower bounds where it is not told', async () => {
      await missPowerOff(100);
      lab.fault({ kind: 'status', status: 500 }, 10 * MINUTE, { path: '/rrddata' });
      const manager = lab.manager(db);
      for (let k = 0; k < 3; k += 1) {
        const report = await manager.pollNow(here);
        expect(report.nodes.every(({ isSeen, error }) => isSeen && error === null)).to.equal(true);
        lab.move(30 * SECOND);
      }
      expect((await endOf(100))?.evidence).to.equal('poll');
    });
  });
});
