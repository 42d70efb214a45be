import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import {
  guestById,
  guestsByVmid,
  listGuests,
  type GuestFilter,
  type GuestSort,
} from '../../../src/ledger/queries/guests.js';
import { listNodes, nodeByName } from '../../../src/ledger/queries/nodes.js';
import { overview } from '../../../src/ledger/queries/overview.js';
import { forEachDatabase } from '../../support/databases.js';
import { HOUR, NOW } from '../../web/api/lab.js';
import { seed, type Seed } from '../../web/api/seed.js';

forEachDatabase((name, open) => {
  describe(`the reads of guests and nodes on ${name}`, () => {
    let db: Database;
    let ids: Seed;

    before(async () => {
      db = await open();
      ids = await seed(db);
    });

    async function names(filter: GuestFilter): Promise<(string | null)[]> {
      return (await listGuests(db.reader, filter)).items.map((guest) => guest.name);
    }

    it('leaves the guests that the filter asks for', async () => {
      const table: [GuestFilter, string[]][] = [
        [{}, ['vGPU-1', 'twin', 'mail', 'quiet']],
        [{ includeGone: true }, ['vGPU-1', 'twin', 'mail', 'old', 'quiet']],
        [{ state: 'running' }, ['vGPU-1']],
        [{ state: 'stopped' }, ['twin', 'quiet']],
        [{ state: 'not_seen' }, ['mail']],
        [{ state: 'not_seen', includeGone: true }, ['mail', 'old']],
        [{ node: 'pve-01' }, ['vGPU-1', 'quiet']],
        [{ node: 'PVE-01' }, []],
        [{ cluster: 'pve-09' }, ['twin']],
        [{ vmid: 104 }, ['vGPU-1', 'twin']],
        [{ text: 'vgpu' }, ['vGPU-1']],
        [{ text: 'GPU' }, ['vGPU-1']],
        [{ text: 'custom' }, ['vGPU-1']],
        [{ text: '105' }, ['mail']],
        [{ text: '%' }, []],
        [{ text: '_' }, []],
        [{ text: "'" }, []],
        [{ text: '' }, ['vGPU-1', 'twin', 'mail', 'quiet']],
      ];
      for (const [filter, expected] of table)
        expect(await names(filter), JSON.stringify(filter)).to.deep.equal(expected);
    });

    it('sorts both ways, with guests that have no such value last', async () => {
      const table: [GuestSort['by'], string[], string[]][] = [
        ['vmid', ['vGPU-1', 'twin', 'mail', 'quiet'], ['quiet', 'mail', 'vGPU-1', 'twin']],
        ['name', ['mail', 'quiet', 'twin', 'vGPU-1'], ['vGPU-1', 'twin', 'quiet', 'mail']],
        ['node', ['vGPU-1', 'quiet', 'mail', 'twin'], ['twin', 'mail', 'vGPU-1', 'quiet']],
        ['state', ['vGPU-1', 'twin', 'quiet', 'mail'], ['mail', 'twin', 'quiet', 'vGPU-1']],
        ['runningSince', ['vGPU-1', 'mail', 'twin', 'quiet'], ['mail', 'vGPU-1', 'twin', 'quiet']],
      ];
      for (const [by, up, down] of table) {
        expect(await names({ sort: { by, isDescending: false } }), by).to.deep.equal(up);
        expect(await names({ sort: { by, isDescending: true } }), by).to.deep.equal(down);
      }
    });

    it('pages without gap or overlap, and tells the total', async () => {
      const first = await listGuests(db.reader, { page: 1, perPage: 3 });
      const second = await listGuests(db.reader, { page: 2, perPage: 3 });
      expect([first.total, second.total, second.page, second.perPage]).to.deep.equal([4, 4, 2, 3]);
      expect([...first.items, ...second.items].map((guest) => guest.name)).to.deep.equal(await names({}));
      expect(await listGuests(db.reader, { state: 'running', page: 1, perPage: 3 })).to.include({ total: 1 });
    });

    it('proves an open session to its newest running sample where the open span has stopped', async () => {
      const trx = await db.writer.transaction();
      try {
        await trx('sessions').where({ id: ids.sessions.twin }).update({ end_at: null, open_guest_id: ids.guests.twin });
        const guest = await guestById(trx, ids.guests.twin);
        expect(guest).to.include({ state: 'stopped', totalRuntimeMs: HOUR, openSessionId: ids.sessions.twin });
      } finally {
        await trx.rollback();
      }
    });

    it('calls nothing on a removed node seen', async () => {
      const trx = await db.writer.transaction();
      try {
        await trx('nodes').where({ id: ids.nodes.one }).update({ is_active: 0 });
        expect(await guestById(trx, ids.guests.web)).to.include({ state: 'not_seen' });
      } finally {
        await trx.rollback();
      }
    });

    it('finds one bearer of a VMID in each cluster, the running one first', async () => {
      const bearers = await guestsByVmid(db.reader, 104);
      expect(bearers.map((guest) => guest.cluster)).to.deep.equal(['lab', 'pve-09']);
      expect((await guestsByVmid(db.reader, 106)).map((guest) => guest.id)).to.deep.equal([ids.guests.quiet]);
      expect(
        (await guestsByVmid(db.reader, 106, { guestId: ids.guests.old })).map((guest) => guest.name),
      ).to.deep.equal(['old']);
      expect(await guestsByVmid(db.reader, 104, { guestId: ids.guests.old })).to.deep.equal([]);
      expect(await guestById(db.reader, 4711)).to.equal(null);
    });

    it('counts for the overview', async () => {
      expect(await overview(db.reader, NOW)).to.deep.equal({
        asOf: NOW,
        nodeCount: 3,
        onlineNodeCount: 2,
        guestCount: 4,
        runningCount: 1,
        stoppedCount: 2,
        notSeenCount: 1,
        openSessionCount: 2,
        openGapCount: 1,
        lastSeenAt: NOW - 10_000 + 60,
      });
    });

    it('finds a node by its exact name', async () => {
      expect(await nodeByName(db.reader, 'pve-01')).to.include({ id: ids.nodes.one, lastPolledAt: NOW - 10_000 + 300 });
      expect(await nodeByName(db.reader, 'PVE-01')).to.equal(null);
      expect((await listNodes(db.reader, { cluster: 'lab' })).map((node) => node.runningCount)).to.deep.equal([1, 0]);
    });

    it('asks hardly more questions for all guests than for one', async () => {
      const questions = async (read: () => Promise<unknown>): Promise<number> => {
        let count = 0;
        const note = (): void => void (count += 1);
        db.reader.on('query', note);
        await read();
        db.reader.removeListener('query', note);
        return count;
      };
      const one = await questions(() => listGuests(db.reader, { guestId: ids.guests.web }));
      expect(await questions(() => listGuests(db.reader, { includeGone: true }))).to.be.at.most(one + 1);
    });
  });
});
