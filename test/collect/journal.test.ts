import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';
import { MINUTE, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const all = { nodes: null };

forEachDatabase((_name, open) => {
  describe('the journal of a node', () => {
    let lab: Lab;
    let db: Database;
    let manager: Collector;

    async function begin(hasJournal: boolean): Promise<void> {
      [lab, db] = await Promise.all([startLab({ entry: (entry) => ({ ...entry, journal: hasJournal }) }), open()]);
      manager = lab.manager(db);
      await manager.pollNow(all);
    }

    afterEach(() => lab.close());

    /** Ends a guest without a task in the middle between two polls, polls so often, and yields when it truly ended. */
    async function powerOff(vmid: number, polls = 2): Promise<number> {
      lab.move(13 * SECOND);
      const { at } = lab.clock;
      lab.simulator.act({ at, kind: 'poweroff', vmid, cluster: 'lab' });
      for (let k = 0; k < polls; k++) {
        lab.move((k === 0 ? 17 : 30) * SECOND);
        await manager.pollNow(all);
      }
      const truth = lab.simulator.world
        .truth(lab.clock.at)
        .findLast((one) => one.vmid === vmid && one.cluster === 'lab');
      if (truth?.endedAt === null || truth === undefined) throw new Error(`guest ${vmid} did not end`);
      return truth.endedAt;
    }

    it('brings a poweroff from inside down to a second or two, where the entry allows it', async () => {
      await begin(true);
      for (const vmid of [100, 107]) {
        const endedAt = await powerOff(vmid);
        const [session] = await sessionsOf(db, { vmid, cluster: 'lab' });
        expect(session, String(vmid)).to.include({ endReason: 'unlogged' });
        const { end } = session ?? {};
        expect(end?.evidence).to.equal('journal');
        expect(endedAt).to.be.within(end?.earliest ?? Infinity, end?.latest ?? -Infinity);
        expect(Math.abs((end?.at ?? 0) - endedAt)).to.be.below(2 * SECOND);
        expect((end?.latest ?? 0) - (end?.earliest ?? 0)).to.be.below(4 * SECOND);
        expect(session?.segments.at(-1)?.endedAt).to.equal(end?.at);
      }
    });

    it('is left alone where the entry does not allow it', async () => {
      await begin(false);
      await powerOff(100);
      const [session] = await sessionsOf(db, { vmid: 100, cluster: 'lab' });
      expect(session?.end?.evidence).to.equal('poll');
      expect(await db.reader('journal_marks').select('id')).to.deep.equal([]);
    });

    it('is asked once for an end, also where it tells nothing', async () => {
      await begin(true);
      await lab.power('pve-01', 'qemu/100', 'stop');
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      const requests = (): number =>
        [...manager.roster.members.values()].reduce((sum, { routes }) => sum + (routes[0]?.api.requestCount ?? 0), 0);
      const idle = async (): Promise<number> => {
        const before = requests();
        lab.move(30 * SECOND);
        await manager.pollNow({ nodes: ['pve-01', 'pve-02', 'pve-03'] });
        return requests() - before;
      };
      const plain = await idle();
      await powerOff(101, 1);
      expect(await idle()).to.equal(plain + 2);
      expect(await idle()).to.equal(plain);
    });

    it('narrows the end again after a restart of the manager, from what was stored', async () => {
      await begin(true);
      await powerOff(100);
      const [before] = await sessionsOf(db, { vmid: 100, cluster: 'lab' });
      lab.move(MINUTE);
      manager = lab.manager(db);
      await manager.pollNow(all);
      await lab.power('pve-01', 'qemu/100', 'start');
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      const [after, next] = await sessionsOf(db, { vmid: 100, cluster: 'lab' });
      expect(after).to.deep.equal(before);
      expect(next?.end).to.equal(null);
    });

    it('is asked for by the next manager where the one before was ended first', async () => {
      await begin(true);
      const endedAt = await powerOff(100, 1);
      expect((await sessionsOf(db, { vmid: 100, cluster: 'lab' }))[0]?.end?.evidence).to.equal('poll');
      manager = lab.manager(db);
      await manager.pollNow(all);
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      const [session] = await sessionsOf(db, { vmid: 100, cluster: 'lab' });
      expect(session?.end?.evidence).to.equal('journal');
      expect(Math.abs((session?.end?.at ?? 0) - endedAt)).to.be.below(2 * SECOND);
    });

    it('costs a node nothing but the narrower bounds where the token may not read it', async () => {
      await begin(true);
      lab.fault({ kind: 'permission_lost', privilege: 'Sys.Syslog' }, 10 * MINUTE);
      await powerOff(100);
      const [session] = await sessionsOf(db, { vmid: 100, cluster: 'lab' });
      expect(session?.end?.evidence).to.equal('poll');
      const report = await manager.pollNow(all);
      expect(report.nodes.every(({ isSeen, error }) => isSeen && error === null)).to.equal(true);
    });
  });
});
