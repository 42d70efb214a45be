import { expect } from 'chai';
import type { Database } from '../../src/ledger/database.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import { forEachDatabase } from '../support/databases.js';
import { BEGAN_AT, gapsOf, HOUR, MINUTE, nodeOf, SECOND, sessionsOf, startLab, unseen, type Lab } from './lab.js';

const all = { nodes: null };
const WENT_AT = BEGAN_AT + HOUR + 10 * MINUTE;
const BACK_AT = WENT_AT + 20 * MINUTE;

/** The lab, in which something happens to edge-01 and then somebody creates a guest on it. */
function scenarioWith(kind: 'reinstall' | 'node_crash'): Scenario {
  const lab = labScenario(BEGAN_AT);
  const create = {
    at: BACK_AT + 5 * MINUTE,
    node: 'edge-01',
    kind: 'create' as const,
    guest: { vmid: 300, type: 'qemu' as const, name: 'new', cores: 1, memoryBytes: 2 ** 30, isOnBoot: false },
    start: true,
  };
  const gone = { at: WENT_AT, node: 'edge-01', kind, downMs: BACK_AT - WENT_AT };
  return { ...lab, events: [...lab.events, gone, create].sort((a, b) => a.at - b.at) };
}

async function clustersOf(db: Database): Promise<unknown[]> {
  return (await db.reader('clusters').orderBy('id').select('id', 'name')) as unknown[];
}

forEachDatabase((_name, open) => {
  describe('a node that comes back', () => {
    let lab: Lab;
    let db: Database;

    const watch = async (kind: 'reinstall' | 'node_crash', untilAt: number): Promise<void> => {
      [lab, db] = await Promise.all([startLab({ scenario: scenarioWith(kind), timeoutSeconds: 1 }), open()]);
      const manager = lab.manager(db);
      // Something in the log, for a log that never held anything cannot be emptied.
      await lab.power('edge-01', 'lxc/102', 'start');
      lab.move(10 * SECOND);
      await manager.pollNow(all);
      while (lab.clock.at < WENT_AT - MINUTE) {
        lab.move(MINUTE);
        await manager.pollNow(all);
      }
      lab.move(BACK_AT - MINUTE - lab.clock.at);
      await manager.pollNow(all);
      while (lab.clock.at < untilAt) {
        lab.move(30 * SECOND);
        await manager.pollNow(all);
      }
    };

    afterEach(() => lab.close());

    it('installed anew is a new generation: what ran before ended by its boot, and what runs now is the new one’s', async () => {
      await watch('reinstall', BACK_AT + 8 * MINUTE);
      const old = await sessionsOf(db, { node: 'edge-01#1' });
      const ended = old.filter(({ endReason }) => endReason === 'reinstalled');
      expect(ended.map(({ vmid }) => vmid).sort()).to.deep.equal([100, 101, 102]);
      for (const { end } of ended) {
        expect(end?.evidence).to.equal('boot');
        expect(end?.earliest).to.be.within(WENT_AT - 2 * MINUTE, WENT_AT);
        expect(end?.latest).to.be.within(BACK_AT - SECOND, BACK_AT + MINUTE);
      }
      expect(await nodeOf(db, 'edge-01')).to.include({ health: 'online', isActive: true });
      expect(await nodeOf(db, 'edge-01#1')).to.include({ isActive: false });
      const now = await sessionsOf(db, { node: 'edge-01' });
      expect(now.map(({ vmid, end }) => [vmid, end])).to.deep.equal([[300, null]]);
      const rows = (await db.reader('nodes').where({ proxmox_name: 'edge-01' }).orderBy('id')) as {
        generation: number;
      }[];
      expect(rows.map(({ generation }) => generation)).to.deep.equal([1, 2]);

      const gaps = await gapsOf(db, 'edge-01#1');
      expect(gaps.map(({ endedAt }) => endedAt)).to.not.include(null);

      const restarted = lab.manager(db);
      lab.move(30 * SECOND);
      expect((await restarted.pollNow(all)).nodes.map(({ node }) => node)).to.include('edge-01');
      expect(await sessionsOf(db, { node: 'edge-01#1' })).to.deep.equal(old);
    }).timeout(60_000);

    it('installed anew with a new CA is the same cluster’s next generation, and one whose CA was only renewed is the same node', async () => {
      await watch('node_crash', WENT_AT - MINUTE);
      const before = await clustersOf(db);
      const open100 = (await sessionsOf(db, { node: 'edge-01', vmid: 100 })).at(-1);
      // Another simulator of the same world has another CA, as after `pvecm updatecerts` or a new installation.
      const renewed = await startLab({ scenario: scenarioWith('node_crash'), timeoutSeconds: 1 });
      await lab.close();
      lab = renewed;
      await lab.power('edge-01', 'lxc/102', 'start');
      lab.clock.at = WENT_AT - 30 * SECOND;
      await lab.manager(db).pollNow(all);
      expect(await clustersOf(db)).to.deep.equal(before);
      expect((await sessionsOf(db, { node: 'edge-01', vmid: 100 })).at(-1)).to.include({ id: open100?.id, end: null });

      const anew = await startLab({ scenario: scenarioWith('reinstall'), timeoutSeconds: 1 });
      await lab.close();
      lab = anew;
      lab.clock.at = BACK_AT + 8 * MINUTE;
      await lab.manager(db).pollNow(all);
      expect(await clustersOf(db)).to.deep.equal(before);
      expect((await sessionsOf(db, { node: 'edge-01#1', vmid: 100 })).at(-1)).to.include({
        id: open100?.id,
        endReason: 'reinstalled',
      });
      expect(await nodeOf(db, 'edge-01')).to.include({ health: 'online', isActive: true });
    }).timeout(60_000);

    it('installed anew is so once, though two managers find it', async () => {
      await watch('reinstall', WENT_AT - MINUTE);
      const [one, two] = [lab.manager(db), lab.manager(db)];
      for (const manager of [one, two]) await manager.pollNow(all);
      lab.clock.at = BACK_AT + 8 * MINUTE;
      for (const manager of [one, two, one, two]) {
        lab.move(30 * SECOND);
        expect(unseen(await manager.pollNow(all))).to.deep.equal([]);
      }
      const rows = (await db
        .reader('nodes')
        .where({ proxmox_name: 'edge-01' })
        .orderBy('id')
        .select('name')) as unknown;
      expect(rows).to.deep.equal([{ name: 'edge-01#1' }, { name: 'edge-01' }]);
      expect((await sessionsOf(db, { vmid: 300 })).map(({ node, end }) => [node, end])).to.deep.equal([
        ['edge-01', null],
      ]);
    }).timeout(60_000);

    it('booted alone is the same one', async () => {
      await watch('node_crash', BACK_AT + 8 * MINUTE);
      const rows = await db.reader('nodes').where({ proxmox_name: 'edge-01' });
      expect(rows).to.have.length(1);
      const ended = await sessionsOf(db, { node: 'edge-01' });
      expect(ended.map(({ endReason }) => endReason))
        .to.include('host')
        .and.not.include('reinstalled');
    }).timeout(60_000);
  });
});
