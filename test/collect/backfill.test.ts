import { expect } from 'chai';
import type { Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';
import { MINUTE, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

/** A guest of the lab that is off. */
const VMID = 102;

interface Stamps {
  start_earliest: number;
  start_latest: number;
  end_earliest: number;
  end_latest: number;
}

const stampsOf = async (db: Database): Promise<Stamps[]> =>
  (await db
    .reader('tasks')
    .where({ vmid: VMID })
    .orderBy('start_earliest')
    .select('start_earliest', 'start_latest', 'end_earliest', 'end_latest')) as Stamps[];

forEachDatabase((_name, open) => {
  describe('a log read back at first contact', () => {
    let lab: Lab;

    beforeEach(async () => {
      lab = await startLab();
    });

    afterEach(() => lab.close());

    it('is narrowed with the clock over the first dozen polls, also by managers that were started between them', async () => {
      const db = await open();
      await lab.power('pve-01', `qemu/${VMID}`, 'start');
      lab.move(9 * MINUTE);
      await lab.power('pve-01', `qemu/${VMID}`, 'stop');
      lab.move(MINUTE);
      const widths: number[] = [];
      let manager = lab.manager(db);
      for (let k = 1; k <= 13; k += 1) {
        // Each conversion is of a manager that has read the log's rows from the database alone.
        if ([3, 6, 12].includes(k)) manager = lab.manager(db);
        await manager.pollNow({ nodes: ['pve-01'] });
        const stop = (await stampsOf(db)).at(-1);
        widths.push((stop?.end_latest ?? NaN) - (stop?.end_earliest ?? NaN));
        lab.move(30 * SECOND + Math.floor(((k * 0.618) % 1) * SECOND));
      }
      for (const k of [3, 6]) expect(widths[k - 1], `poll ${k}`).to.be.below(widths[k - 2] ?? NaN);
      expect(widths[11]).to.be.at.most(widths[10] ?? NaN);
      for (const k of [2, 4, 5, 7, 8, 9, 10, 11, 13]) expect(widths[k - 1], `poll ${k}`).to.equal(widths[k - 2]);
      const [session] = await sessionsOf(db, { vmid: VMID, cluster: 'lab' });
      const truth = lab.simulator.world
        .truth(lab.clock.at)
        .find((one) => one.vmid === VMID && one.cluster === 'lab' && one.endedAt !== null);
      expect(truth?.endedAt).to.be.within(session?.end?.earliest ?? NaN, session?.end?.latest ?? NaN);
      expect(session?.end?.evidence).to.equal('task');
    }).timeout(60_000);
  });
});
