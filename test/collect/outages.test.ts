import { expect } from 'chai';
import { Collector } from '../../src/collect/collect.js';
import type { Database } from '../../src/ledger/database.js';
import { silentLog } from '../../src/log.js';
import { forEachDatabase } from '../support/databases.js';
import { gapsOf, HOUR, MINUTE, nodeOf, SECOND, sessionsOf, startLab, unseen, type Lab } from './lab.js';
import { entryParts } from '../support/entry-parts.js';

const all = { nodes: null };

forEachDatabase((_name, open) => {
  describe('what a poll does not see', () => {
    let lab: Lab;
    let db: Database;
    let manager: Collector;

    beforeEach(async () => {
      [lab, db] = await Promise.all([startLab({ timeoutSeconds: 1 }), open()]);
      manager = lab.manager(db);
      await manager.pollNow(all);
    });

    afterEach(() => lab.close());

    const next = async (ms = 30 * SECOND): ReturnType<Collector['pollNow']> => {
      lab.move(ms);
      return manager.pollNow(all);
    };

    it('opens a gap and leaves the sessions of a dead node open, until it answers again', async () => {
      const lastSeenAt = lab.clock.at;
      await lab.simulator.stopNode('edge-01');
      expect(unseen(await next())).to.deep.equal(['edge-01']);
      const dead = await nodeOf(db, 'edge-01');
      expect(dead).to.include({ health: 'unreachable', lastSeenAt });
      expect(dead.lastError).to.match(/refused the connection.*pveproxy/);
      const running = await sessionsOf(db, { node: 'edge-01' });
      expect(running.map(({ vmid, end }) => [vmid, end]).sort()).to.deep.equal([
        [100, null],
        [101, null],
      ]);
      expect(running.every(({ provenUntil }) => provenUntil === lastSeenAt)).to.equal(true);
      expect(await gapsOf(db)).to.have.length(1);
      expect((await gapsOf(db))[0]).to.include({ node: 'edge-01', reason: 'unreachable', startedAt: lastSeenAt });

      await lab.simulator.startNode('edge-01');
      expect(unseen(await next())).to.deep.equal([]);
      expect(await nodeOf(db, 'edge-01')).to.include({ health: 'online', lastError: null });
      expect((await gapsOf(db))[0]).to.include({ endedAt: lab.clock.at });
      expect((await sessionsOf(db, { node: 'edge-01' })).map(({ end }) => end)).to.deep.equal([null, null]);
    });

    it('delays nobody: the others are polled while one node hangs', async () => {
      lab.fault({ kind: 'hang' }, HOUR, { node: 'edge-01' });
      const patient = { ...lab.config, polling: { ...lab.config.polling, timeoutSeconds: 20 } };
      const restarted = new Collector({ config: patient, db, clock: lab.clock, log: silentLog, ...entryParts() });
      // The first round after a restart, one within five minutes, and one in which members are due to be asked.
      for (const ms of [30 * SECOND, 30 * SECOND, 6 * MINUTE]) {
        lab.move(ms);
        let isOver = false;
        const round = restarted.pollNow(all).finally(() => (isOver = true));
        for (const name of ['pve-01', 'pve-02', 'pve-03']) await seenAt(db, name, lab.clock.at);
        expect(isOver).to.equal(false);
        // What hangs is cut by us, sooner than by its time-out.
        let report = null;
        while (report === null) {
          await lab.simulator.stopNode('edge-01');
          await lab.simulator.startNode('edge-01');
          report = await Promise.race([round, turn()]);
        }
        expect(unseen(report)).to.deep.equal(['edge-01']);
      }
      restarted.roster.close();
    });

    it('says after the time-out that a node hangs', async () => {
      lab.fault({ kind: 'hang' }, MINUTE, { node: 'edge-01' });
      expect(unseen(await next())).to.deep.equal(['edge-01']);
      expect((await nodeOf(db, 'edge-01')).lastError).to.match(/did not answer in time/);
    });

    it('ends nothing when a privilege is lost and the lists come back empty', async () => {
      const before = await sessionsOf(db);
      lab.fault({ kind: 'permission_lost', privilege: 'VM.Audit' }, 5 * MINUTE, { node: 'edge-01' });
      await next();
      const after = await sessionsOf(db);
      expect(after.map(({ id, end }) => [id, end])).to.deep.equal(before.map(({ id, end }) => [id, end]));
      const node = await nodeOf(db, 'edge-01');
      expect(node.health).to.equal('partial');
      expect(node.lastError).to.match(/VM\.Audit/);
      expect((await gapsOf(db))[0]).to.include({ reason: 'permission_lost', endedAt: null });
      lab.move(5 * MINUTE);
      await next();
      expect((await nodeOf(db, 'edge-01')).health).to.equal('online');
      expect((await sessionsOf(db)).map(({ id, end }) => [id, end])).to.deep.equal(
        before.map(({ id, end }) => [id, end]),
      );
    });

    it('has a reason for each kind of failure', async () => {
      lab.fault({ kind: 'unauthorized' }, MINUTE, { node: 'edge-01' });
      await next();
      expect((await nodeOf(db, 'edge-01')).health).to.equal('unauthorized');
      lab.move(MINUTE);
      lab.fault({ kind: 'garbage' }, MINUTE, { node: 'edge-01' });
      await next();
      expect((await nodeOf(db, 'edge-01')).health).to.equal('unreachable');
      const reasons = (await gapsOf(db, 'edge-01')).map(({ reason, endedAt }) => [reason, endedAt !== null]);
      expect(reasons.filter(([reason]) => reason !== 'manager_down')).to.deep.equal([
        ['unauthorized', true],
        ['bad_answer', false],
      ]);
    });

    it('is one poll and not the round or the process when the fault is ours', async () => {
      lab.move(30 * SECOND);
      const member = [...manager.roster.members.values()].find(({ name }) => name === 'edge-01');
      if (member !== undefined) member.routes = [];
      const report = await manager.pollNow(all);
      expect(unseen(report)).to.deep.equal(['edge-01']);
      expect(report.nodes.find(({ node }) => node === 'edge-01')?.error).to.equal('the poll failed; see the log');
    });

    it('closes a gap with another reason when the reason changes', async () => {
      await lab.simulator.stopNode('edge-01');
      await next();
      await lab.simulator.startNode('edge-01');
      lab.fault({ kind: 'unauthorized' }, MINUTE, { node: 'edge-01' });
      await next();
      const gaps = await gapsOf(db, 'edge-01');
      expect(gaps.map(({ reason }) => reason)).to.deep.equal(['unreachable', 'unauthorized']);
      expect(gaps[0]?.endedAt).to.equal(gaps[1]?.startedAt);
    });
  });
});

/** Resolves when a poll that began at `at` or later is in the database. */
async function seenAt(db: Database, name: string, at: number): Promise<void> {
  while (((await nodeOf(db, name)).lastSeenAt ?? 0) < at) await turn();
}

function turn(): Promise<null> {
  return new Promise((resolve) => setImmediate(() => resolve(null)));
}
