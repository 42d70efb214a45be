import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { changedGuestIds, recentChanges, sessionsOfGuests } from '../../../src/ledger/queries/pages-changes.js';
import { guestsByIds, openSessionsByNode, startsSince } from '../../../src/ledger/queries/pages-counts.js';
import { unseenWithin } from '../../../src/ledger/queries/pages-unseen.js';
import { totalUsage, usageByGuest } from '../../../src/ledger/queries/pages-usage.js';
import { forEachDatabase } from '../../support/databases.js';
import { DAY, HOUR, seedNow } from './seed-plan.js';
import { seedSite } from './seed.js';

const month = { from: Date.UTC(2026, 9, 31, 23), to: Date.UTC(2026, 10, 30, 23) };

async function guestId(db: Database, vmid: number): Promise<number> {
  const row = (await db.reader('guests').where({ vmid }).first('id')) as { id: number } | undefined;
  if (row === undefined) throw new Error(`no guest ${vmid}`);
  return row.id;
}

describe('what pages ask of the ledger', () => {
  forEachDatabase((_name, open) => {
    let db: Database;
    before(async () => {
      db = await open();
      await seedSite(db);
    });

    it('clips sessions to the range and adds up how far they can be off', async () => {
      const id = await guestId(db, 107);
      const sessions = await sessionsOfGuests(db.reader, [id], month);
      const usage = (await usageByGuest(db.reader, month, [id])).get(id);
      expect(usage?.sessionCount).to.equal(sessions.length).and.equal(24);
      expect(usage?.runningMs).to.equal(sessions.reduce((sum, session) => sum + session.durationMs, 0));
      // Each start can be off by 380 ms and each end by 1,400 ms to one side.
      expect(usage?.errorMs).to.equal(24 * (120 + 1_400));
    });

    it('counts an open session to its last proof, and what a range cuts is exact', async () => {
      const id = await guestId(db, 106);
      const usage = (await usageByGuest(db.reader, month, [id])).get(id);
      expect(usage?.errorMs).to.equal(0);
      expect(usage?.runningMs).to.be.within(seedNow - 15_000 - month.from, seedNow - month.from);
      const unseen = await guestId(db, 117);
      const known = (await usageByGuest(db.reader, month, [unseen])).get(unseen);
      expect(known?.runningMs).to.equal(seedNow - 200_000 - month.from);
    });

    it('sums over all guests as over each', async () => {
      const all = await usageByGuest(db.reader, month);
      const ids = [...all.keys()];
      const each = await usageByGuest(db.reader, month, ids);
      expect(totalUsage(all.values())).to.deep.equal(totalUsage(each.values()));
      expect(ids.length).to.equal(52);
    });

    it('tells the time in gaps that nothing proves from the time that was proven since', async () => {
      const id = await guestId(db, 117);
      const unseen = await unseenWithin(db.reader, month, seedNow, id);
      expect(unseen).to.deep.equal({ unseenMs: 200_000 + 1.6 * HOUR, openMs: 200_000, provenLaterMs: 0 });
      const proven = await unseenWithin(db.reader, month, seedNow, await guestId(db, 108));
      expect(proven).to.deep.equal({ unseenMs: 0, openMs: 0, provenLaterMs: 42 * 60_000 });
    });

    it('counts no gap of a node that the guest was not on', async () => {
      // web-02 came to pve-02 after the gap there.
      const moved = await unseenWithin(db.reader, month, seedNow, await guestId(db, 106));
      expect(moved).to.deep.equal({ unseenMs: 0, openMs: 0, provenLaterMs: 0 });
    });

    it('finds the newest changes of every kind', async () => {
      const changes = await recentChanges(db.reader, { from: seedNow - DAY, to: seedNow + 1 }, 7);
      expect(changes.started[0]?.guestName).to.equal('ci-runner-3');
      expect(changes.started.length).to.equal(7);
      expect(changes.ended.every((session) => (session.end?.at ?? 0) > seedNow - DAY)).to.equal(true);
      expect(changes.moved.map((session) => session.guestName)).to.deep.equal(['web-02']);
      expect(changes.gaps.map((gap) => gap.endedAt === null)).to.deep.equal([true, false]);
      const ids = await changedGuestIds(db.reader, { from: seedNow - DAY, to: seedNow + 1 }, 60);
      expect(ids)
        .to.include(await guestId(db, 106))
        .and.not.to.include(await guestId(db, 105));
    });

    it('counts open sessions also where the node is not seen', async () => {
      const open = await openSessionsByNode(db.reader);
      expect(open.get('pve-04')).to.be.greaterThan(1);
      expect(await startsSince(db.reader, seedNow - 400_000)).to.equal(1);
    });

    it('yields guests in the order asked for, and leaves unknown ids out', async () => {
      const [web, mail] = [await guestId(db, 105), await guestId(db, 109)];
      const guests = await guestsByIds(db.reader, [mail, 999_999, web]);
      expect(guests.map((guest) => [guest.vmid, guest.state])).to.deep.equal([
        [109, 'running'],
        [105, 'running'],
      ]);
    });
  });
});
