import { expect } from 'chai';
import { inTransaction, type Database } from '../../src/ledger/database.js';
import { purgeOld } from '../../src/ledger/retention.js';
import { listSessions } from '../../src/ledger/queries/sessions.js';
import { MINUTE, rowCounts, SECOND, sessionsOf, startLab, type Lab } from '../collect/lab.js';
import { forEachDatabase } from '../support/databases.js';

const DAY = 24 * 60 * MINUTE;
const all = { nodes: null };

describe('retention', () => {
  forEachDatabase((_name, open) => {
    let lab: Lab;
    let db: Database;
    beforeEach(async () => {
      lab = await startLab();
      db = await open();
    });
    afterEach(() => lab.close());

    const purge = (pollsDays = 90, auditDays = 730) => purgeOld(db, { now: lab.clock.now(), pollsDays, auditDays });

    it('removes polls that are older than it keeps them, and no session changes by that', async () => {
      const manager = lab.manager(db);
      for (let k = 0; k < 12; k++) {
        await manager.pollNow(all);
        lab.move(30 * SECOND);
      }
      await lab.power('pve-01', 'qemu/100', 'stop');
      await manager.pollNow(all);
      const before = { sessions: await sessionsOf(db), counts: await rowCounts(db) };
      expect(await purge()).to.deep.equal({ polls: 0, audit: 0, events: 0 });
      lab.clock.at += 91 * DAY;
      const { polls } = await purge();
      const after = { sessions: await sessionsOf(db), counts: await rowCounts(db) };
      expect(polls).to.be.within(4 * 6, 4 * 12);
      expect(after.sessions).to.deep.equal(before.sessions);
      expect(after.counts).to.deep.equal({ ...before.counts, polls: (before.counts['polls'] ?? 0) - polls });
    });

    it('keeps what a manager that starts goes on from, and what open sessions are proven by', async () => {
      const first = lab.manager(db);
      await first.pollNow(all);
      lab.move(30 * SECOND);
      await first.pollNow(all);
      const proven = async (): Promise<unknown> =>
        (await listSessions(db.reader, { page: 1, perPage: 100 })).items.map(({ id, provenUntil }) => [
          id,
          provenUntil,
        ]);
      const before = await proven();
      lab.clock.at += 200 * DAY;
      await purge();
      expect(await proven()).to.deep.equal(before);
      const again = lab.manager(db);
      await again.pollNow(all);
      const ends = (await sessionsOf(db)).map(({ id, end }) => [id, end]);
      // Nothing but the clock moved: the same processes still run, so the same sessions go on.
      expect(ends.every(([, end]) => end === null)).to.equal(true);
    });

    it('takes as many batches as there are, and none after it was told to stop', async () => {
      await lab.manager(db).pollNow(all);
      const [node] = (await db.reader('nodes').select('id').limit(1)) as { id: number }[];
      const old = Array.from({ length: 100 }, (_, k) => ({ node_id: node?.id, began_at: k, finished_at: k + 1 }));
      await inTransaction(db, async (trx) => {
        for (let k = 0; k < 12; k++) await trx('polls').insert(old);
      });
      const stopped = AbortSignal.abort();
      const none = await purgeOld(db, { now: lab.clock.now(), pollsDays: 90, auditDays: 730, signal: stopped });
      expect(none.polls).to.equal(0);
      expect((await purge()).polls).to.equal(1200);
    });

    it('removes the audit log and the events of agents when their time is over, and not before', async () => {
      const now = lab.clock.now();
      const { nodes } = await lab.manager(db).pollNow(all);
      expect(nodes).to.have.length(4);
      const [node] = (await db.reader('nodes').select('id').limit(1)) as { id: number }[];
      await inTransaction(db, async (trx) => {
        for (const daysAgo of [729, 731])
          await trx('audit_log').insert({
            at: now - daysAgo * DAY,
            actor: 'a',
            action: 'login',
            subject: `${daysAgo}`,
          });
        for (const daysAgo of [401, 403])
          await trx('agent_events').insert({
            node_id: node?.id,
            event_id: `e-${daysAgo}`,
            kind: 'start',
            arrived_at: now - daysAgo * DAY,
          });
      });
      expect(await purge()).to.include({ audit: 1, events: 1 });
      expect(await db.reader('audit_log').pluck('subject')).to.deep.equal(['729']);
      expect(await db.reader('agent_events').pluck('event_id')).to.deep.equal(['e-401']);
    });
  });
});
