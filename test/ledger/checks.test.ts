import { expect } from 'chai';
import { listAudit } from '../../src/ledger/access.js';
import { runChecks, settleFinding, SettleError } from '../../src/ledger/checks.js';
import type { Database } from '../../src/ledger/database.js';
import { listCorrections } from '../../src/ledger/queries/corrections.js';
import { countFindings, lastCheck, listFindings } from '../../src/ledger/queries/findings.js';
import { listGaps } from '../../src/ledger/queries/gaps.js';
import { guestById } from '../../src/ledger/queries/guests.js';
import { unseenWithin } from '../../src/ledger/queries/pages-unseen.js';
import { usageByGuest, totalUsage } from '../../src/ledger/queries/pages-usage.js';
import { listSessions, runningSessions, sessionById } from '../../src/ledger/queries/sessions.js';
import { forEachDatabase } from '../support/databases.js';
import { DAY, HOUR, seedNow } from '../web/pages/seed-plan.js';
import { seedSite } from '../web/pages/seed.js';

const range = { from: seedNow - 90 * DAY, to: seedNow + DAY };
const by = { reason: 'the customer showed his own log', actor: 'alice', address: '10.0.0.9' };

forEachDatabase((name, open) => {
  describe(`the sanity checker over the database on ${name}`, () => {
    let db: Database;
    let guestId: number;
    let sessions: number[];

    beforeEach(async () => {
      db = await open();
      await seedSite(db);
      const guest = (await db.reader('guests').where({ vmid: 107 }).first('id')) as { id: number };
      guestId = guest.id;
      const { items } = await listSessions(db.reader, { guestId, page: 1, perPage: 100 });
      sessions = items.map((session) => session.id).reverse();
    });

    const keys = async (): Promise<string[]> => (await runChecks(db, seedNow)).map(({ key }) => key);
    const runtime = async (): Promise<number> => (await guestById(db.reader, guestId))?.totalRuntimeMs ?? -1;
    const settle = (key: string, action: 'repair' | 'accept' = 'repair'): Promise<string> =>
      settleFinding(db, { key, action, ...by }, seedNow);

    const correct = (session: number, field: 'start' | 'end', derivedAt: number | null, at: number): Promise<unknown> =>
      db.writer('session_corrections').insert({
        guest_id: db.writer('sessions').where({ id: session }).select('guest_id'),
        session_id: session,
        field,
        derived_at: derivedAt,
        corrected_at: at,
        finding: 'by hand',
        sentence: 'by hand',
        reason: 'by hand',
        actor: 'alice',
        created_at: seedNow,
      });

    /** Lets the first session end an hour after the second began. */
    async function overlap(): Promise<{ key: string; startsAt: number }> {
      const [first, second] = sessions;
      const row = (await db.writer('sessions').where({ id: second }).first('start_at')) as { start_at: number };
      const end = row.start_at + HOUR;
      await db.writer('sessions').where({ id: first }).update({ end_at: end, end_earliest: end, end_latest: end });
      await db.writer('segments').where({ session_id: first }).update({ ended_at: end });
      return { key: `overlap-${String(first)}-${String(second)}`, startsAt: row.start_at };
    }

    it('finds nothing in a month of a site, and notes that it looked', async () => {
      expect(await keys()).to.deep.equal([]);
      expect(await lastCheck(db.reader)).to.deep.equal({ at: seedNow, count: 0 });
    });

    it('keeps what it finds until it is gone, with the instant at which it was first found', async () => {
      const { key } = await overlap();
      await runChecks(db, seedNow - HOUR);
      expect(await keys()).to.deep.equal([key]);
      const [finding] = await listFindings(db.reader);
      expect(finding).to.include({ key, kind: 'overlap', guestId, firstFoundAt: seedNow - HOUR });
      await db.writer('segments').where({ session_id: sessions[0] }).delete();
      await db.writer('sessions').where({ id: sessions[0] }).delete();
      expect(await keys()).to.deep.equal([]);
      expect(await countFindings(db.reader)).to.equal(0);
    });

    it('lays stretches that do not fill their session anew, on record', async () => {
      const [first] = sessions;
      const ends = { session_id: first };
      const before = (await db.writer('segments').where(ends).first('ended_at')) as { ended_at: number };
      await db
        .writer('segments')
        .where(ends)
        .update({ ended_at: before.ended_at - HOUR });
      const key = `segments-${String(first)}`;
      expect(await keys()).to.deep.equal([key]);
      expect(await settle(key)).to.match(/^Lay the stretches of session \d+ anew/);
      expect(await keys()).to.deep.equal([]);
      expect(await db.reader('segments').where(ends).first('ended_at')).to.deep.equal(before);
      const { items } = await listCorrections(db.reader, { page: 1, perPage: 10 });
      expect(items[0]).to.include({ sessionId: first, field: 'segments', finding: key, ...{ reason: by.reason } });
    });

    it('settles an overlap by a correction that counts everywhere and leaves what was derived', async () => {
      const whole = await runtime();
      const { key, startsAt } = await overlap();
      const [first] = sessions;
      const derived = (await db.reader('sessions').where({ id: first }).first()) as Record<string, unknown>;
      const before = await runtime();
      const usageBefore = totalUsage((await usageByGuest(db.reader, range)).values());
      expect(await keys()).to.deep.equal([key]);
      expect(await settle(key)).to.match(/^End session \d+ where session \d+ begins, 2026-/);
      expect(await keys()).to.deep.equal([]);

      const session = await sessionById(db.reader, first ?? 0);
      expect(session?.end).to.deep.equal({ at: startsAt, earliest: startsAt, latest: startsAt, evidence: 'manual' });
      expect(session?.segments.at(-1)?.endedAt).to.equal(startsAt);
      expect(session?.durationMs).to.equal(startsAt - (session?.start.at ?? 0));
      expect(await db.reader('sessions').where({ id: first }).first()).to.deep.equal(derived);
      expect(await runtime())
        .to.equal(before - HOUR)
        .and.to.be.above(whole);
      const usage = totalUsage((await usageByGuest(db.reader, range)).values());
      expect(usage).to.include({
        runningMs: usageBefore.runningMs - HOUR,
        sessionCount: usageBefore.sessionCount,
      });
      const within = { guestId, from: startsAt + 1, to: startsAt + 2, page: 1, perPage: 10 };
      expect((await listSessions(db.reader, within)).items.map(({ id }) => id)).to.deep.equal([sessions[1]]);
    });

    it('orders the list by the starts that count, on whichever page they come to stand', async () => {
      const pageOf = async (page: number, perPage: number): Promise<number[]> =>
        (await listSessions(db.reader, { guestId, page, perPage })).items.map(({ id }) => id);
      const [first = 0, second = 0, third = 0] = sessions;
      const startOf = async (id: number): Promise<number> => (await sessionById(db.reader, id))?.start.at ?? 0;
      // The third begins before the first, and the second after all others.
      await correct(third, 'start', await startOf(third), (await startOf(first)) - HOUR);
      await correct(second, 'start', await startOf(second), seedNow);
      const wanted = [second, ...sessions.toReversed().filter((id) => id !== second && id !== third), third];
      expect(await pageOf(1, 100)).to.deep.equal(wanted);
      for (const perPage of [1, 5, 7]) {
        const pages: number[] = [];
        for (let page = 1; page <= Math.ceil(wanted.length / perPage); page += 1)
          pages.push(...(await pageOf(page, perPage)));
        expect(pages, String(perPage)).to.deep.equal(wanted);
      }
      expect(await pageOf(99, 7)).to.deep.equal([]);
    });

    it('counts the unseen time of a corrected session by the edges that count', async () => {
      const { id } = (await db.reader('guests').where({ vmid: 117 }).first('id')) as { id: number };
      const [session] = await runningSessions(db.reader, { guestId: id });
      const gaps = await listGaps(db.reader, { node: 'pve-04', isOpen: false, page: 1, perPage: 10 });
      const gap = gaps.items.find((one) => !one.isProven);
      const startedAt = gap?.startedAt ?? 0;
      const before = await unseenWithin(db.reader, range, seedNow, id);
      await correct(session?.id ?? 0, 'start', session?.start.at ?? 0, startedAt + HOUR);
      const after = await unseenWithin(db.reader, range, seedNow, id);
      expect(after).to.deep.equal({ ...before, unseenMs: before.unseenMs - HOUR });
      await correct(session?.id ?? 0, 'end', null, startedAt + HOUR + 60_000);
      const ended = await unseenWithin(db.reader, range, seedNow, id);
      expect(ended).to.deep.equal({ unseenMs: 60_000, openMs: 0, provenLaterMs: 0 });
      expect(await unseenWithin(db.reader, range, seedNow)).to.include({ openMs: 3 * before.openMs });
    });

    it('writes down who corrected what, when and why', async () => {
      const { key, startsAt } = await overlap();
      await runChecks(db, seedNow);
      await settle(key);
      const { items, total } = await listCorrections(db.reader, { page: 1, perPage: 10 });
      expect(total).to.equal(1);
      expect(items[0]).to.include({
        sessionId: sessions[0],
        field: 'end',
        derivedAt: startsAt + HOUR,
        correctedAt: startsAt,
        reason: by.reason,
        actor: by.actor,
        createdAt: seedNow,
      });
      const [entry] = (await listAudit(db.reader, { page: 1, perPage: 1 })).items;
      expect(entry).to.include({ action: 'check.repair', subject: key, actor: 'alice', address: '10.0.0.9' });
      expect(entry?.after).to.include({ reason: by.reason });
    });

    it('lets later evidence win over a correction of what is derived no more', async () => {
      const { key, startsAt } = await overlap();
      await runChecks(db, seedNow);
      await settle(key);
      const end = startsAt - 5000;
      await db
        .writer('sessions')
        .where({ id: sessions[0] })
        .update({ end_at: end, end_earliest: end, end_latest: end });
      await db.writer('segments').where({ session_id: sessions[0] }).update({ ended_at: end });
      expect((await sessionById(db.reader, sessions[0] ?? 0))?.end?.at).to.equal(end);
      expect(await keys()).to.deep.equal([]);
    });

    it('ends an open session that nobody proves any more, and takes that back when it is seen again', async () => {
      const { id } = (await db.reader('guests').where({ vmid: 117 }).first('id')) as { id: number };
      const [session] = (await runningSessions(db.reader, { guestId: id })).map((one) => one.id);
      const later = seedNow + 2 * DAY;
      const unseen = `unseen-${String(session)}`;
      expect((await runChecks(db, later)).map(({ key }) => key)).to.include(unseen);
      const proven = (await guestById(db.reader, id))?.totalRuntimeMs;
      await settleFinding(db, { key: unseen, action: 'repair', ...by }, later);
      expect(await runningSessions(db.reader, { guestId: id })).to.deep.equal([]);
      const guest = await guestById(db.reader, id);
      expect(guest).to.include({ openSessionId: null, runningSince: null, totalRuntimeMs: proven });
      const [usage] = (await usageByGuest(db.reader, range, [id])).values();
      expect(usage?.runningMs).to.equal(proven);

      const seen = {
        began_at: later,
        finished_at: later,
        qemu_outcome: 'seen',
        qemu_sent_at: later,
        qemu_received_at: later,
      };
      const node = db.reader('nodes').where({ name: 'pve-04' }).select('id');
      await db.writer('polls').insert({ ...seen, node_id: ((await node) as { id: number }[])[0]?.id });
      const contradicted = `contradicted-${String(session)}`;
      expect((await runChecks(db, later)).map(({ key }) => key)).to.include(contradicted);
      await settleFinding(db, { key: contradicted, action: 'repair', ...by }, later);
      expect((await runningSessions(db.reader, { guestId: id })).map((one) => one.id)).to.deep.equal([session]);
      expect((await runChecks(db, later)).map(({ key }) => key)).not.to.include.members([contradicted, unseen]);
    });

    it('accepts a conflict of evidence with a reason, once and for all', async () => {
      const conflict = { guest_id: guestId, edge: 'end', kept: 'a sample of running', set_aside: 'task UPID:x' };
      await db.writer('evidence_conflicts').insert({ ...conflict, created_at: seedNow });
      const [finding] = await runChecks(db, seedNow);
      expect(finding).to.include({ kind: 'evidence_conflict', repair: null });
      const refused: unknown = await settle(finding?.key ?? '').catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(SettleError);
      await settle(finding?.key ?? '', 'accept');
      expect(await keys()).to.deep.equal([]);
      const [word] = (await listCorrections(db.reader, { page: 1, perPage: 10 })).items;
      expect(word).to.include({ field: 'accept', finding: finding?.key, reason: by.reason });
    });

    it('settles nothing without a reason, and nothing that is not found', async () => {
      const { key } = await overlap();
      await runChecks(db, seedNow);
      const wish = { key, action: 'repair' as const, ...by };
      for (const [wrong, sentence] of [
        [{ ...wish, reason: '  ' }, 'a reason is needed: say why, in a sentence that can be read in a year'],
        [{ ...wish, key: 'overlap-0-0' }, 'there is no finding "overlap-0-0" any more: run the check again'],
        [{ ...wish, reason: 'x'.repeat(10_001) }, 'the reason has 10001 characters: at most 10000 are kept'],
      ] as const) {
        const error: unknown = await settleFinding(db, wrong, seedNow).catch((failure: unknown) => failure);
        expect((error as Error).message).to.equal(sentence);
      }
      expect(await countFindings(db.reader)).to.equal(1);
      expect((await listCorrections(db.reader, { page: 1, perPage: 1 })).total).to.equal(0);
    });

    it('keeps a correction on record when its session is derived anew', async () => {
      const { key } = await overlap();
      await runChecks(db, seedNow);
      await settle(key);
      await db.writer('segments').where({ session_id: sessions[0] }).delete();
      await db.writer('sessions').where({ id: sessions[0] }).delete();
      const [word] = (await listCorrections(db.reader, { page: 1, perPage: 10 })).items;
      expect(word).to.include({ sessionId: null, finding: key });
    });
  });
});
