import { expect } from 'chai';
import { deriveGuest } from '../../src/core/derive-guest.js';
import { inTransaction, type Database } from '../../src/ledger/database.js';
import { loadCluster } from '../../src/ledger/stores/load.js';
import { writeDifferences } from '../../src/ledger/stores/sessions.js';
import { forEachDatabase } from '../support/databases.js';
import { HOUR, MINUTE, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const all = { nodes: null };
const day = 24 * HOUR;
/** A guest of the lab that is off. */
const VMID = 102;

forEachDatabase((_name, open) => {
  describe('a guest with a long history', () => {
    let lab: Lab;
    let db: Database;

    beforeEach(async () => {
      [lab, db] = await Promise.all([startLab(), open()]);
    });

    afterEach(() => lab.close());

    const guestRow = async (): Promise<{ id: number; cluster_id: number; node_id: number; frozen_at: number | null }> =>
      (await db
        .reader('guests as g')
        .join('clusters as k', 'k.id', 'g.cluster_id')
        .where({ 'g.vmid': VMID, 'k.name': 'lab' })
        .first('g.*')) as { id: number; cluster_id: number; node_id: number; frozen_at: number | null };

    /** Runs of eight hours a day over so many days before now, as the ledger would have stored their facts. */
    const age = async (days: number): Promise<void> => {
      const { id, cluster_id, node_id } = await guestRow();
      const spans: Record<string, unknown>[] = [];
      const tasks: Record<string, unknown>[] = [];
      for (let k = days; k >= 1; k -= 1) {
        const from = lab.clock.at - k * day;
        const seen = (first: number, last: number) => ({
          first_sent: from + first,
          first_received: from + first + 20,
          last_sent: from + last,
          last_received: from + last + 20,
        });
        const common = { guest_id: id, node_id };
        spans.push({
          ...common,
          state: 'running',
          pid: 1000 + k,
          start_earliest: from,
          start_latest: from + 1000,
          is_young: 1,
          ...seen(15 * SECOND, 8 * HOUR - 15 * SECOND),
        });
        spans.push({
          ...common,
          state: 'stopped',
          pid: null,
          start_earliest: null,
          start_latest: null,
          is_young: 0,
          ...seen(8 * HOUR + 15 * SECOND, 23 * HOUR),
        });
        for (const [type, at] of [
          ['qmstart', from],
          ['qmstop', from + 8 * HOUR],
        ] as const) {
          tasks.push({
            cluster_id,
            node_id,
            upid: `UPID:pve-01:${k}:${type}`,
            type,
            vmid: VMID,
            user: 'a@pve',
            status: 'ok',
            raw_start_s: Math.floor(at / 1000),
            raw_end_s: Math.floor(at / 1000) + 1,
            pstart: 100,
            start_earliest: at,
            start_latest: at + 999,
            end_earliest: at + 1000,
            end_latest: at + 1999,
            created_at: at,
          });
        }
      }
      // The open span comes after them.
      await db.writer('spans').where({ guest_id: id }).delete();
      await db.writer.batchInsert('spans', spans, 100);
      await db.writer.batchInsert('tasks', tasks, 100);
      await db.writer('nodes').update({ coverage_since: lab.clock.at - 2 * days * day });
      const state = await loadCluster(db.writer, cluster_id);
      const guest = state.guests.get(`qemu/${VMID}`);
      if (guest === undefined) throw new Error('the guest is not known');
      const { sessions } = deriveGuest(guest, (node) => state.nodes.get(node), lab.clock.at);
      await inTransaction(db, (trx) =>
        writeDifferences(trx, [{ guest, before: guest, derived: sessions }], lab.clock.at),
      );
    };

    it('is derived from its newest forty days alone, with its sessions as they were', async () => {
      await lab.manager(db).pollNow(all);
      await age(150);
      // The next time that the guest changes, what is old is frozen.
      lab.move(MINUTE);
      await lab.power('pve-01', `qemu/${VMID}`, 'start');
      lab.move(MINUTE);
      const manager = lab.manager(db);
      await manager.pollNow(all);
      const facts = async (): Promise<number[]> => {
        const state = await loadCluster(db.writer, (await guestRow()).cluster_id);
        const guest = state.guests.get(`qemu/${VMID}`);
        return [guest?.spans.length ?? 0, guest?.tasks.length ?? 0, guest?.sessions.length ?? 0];
      };
      const told = async (): Promise<unknown[]> => {
        const rows = (await db
          .reader('sessions')
          .where({ guest_id: (await guestRow()).id })
          .orderBy('start_at')) as Record<string, unknown>[];
        return rows.slice(0, -1).map(({ updated_at: _, ...row }) => row);
      };
      const before = await told();
      expect(before).to.have.length(150);
      expect((await guestRow()).frozen_at).to.be.within(lab.clock.at - 42 * day, lab.clock.at - 40 * day);
      const sizes = await facts();
      expect(sizes[0]).to.be.within(80, 84);
      expect(sizes[1]).to.be.within(80, 84);
      expect(sizes[2]).to.be.within(40, 42);

      // Another manager knows no more than that, and ends the session that is open; what was before stays to the byte.
      await lab.power('pve-01', `qemu/${VMID}`, 'stop');
      lab.move(MINUTE);
      expect((await lab.manager(db).pollNow(all)).sessionsUpdated).to.equal(1);
      expect(await told()).to.deep.equal(before);
      expect((await sessionsOf(db, { vmid: VMID, cluster: 'lab' })).filter(({ end }) => end === null)).to.deep.equal(
        [],
      );
    });
  });
});
