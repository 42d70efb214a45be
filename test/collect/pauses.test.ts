import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { Database } from '../../src/ledger/database.js';
import type { PauseView } from '../../src/ledger/queries/read-model.js';
import { forEachDatabase } from '../support/databases.js';
import { MINUTE, rowCounts, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const all = { nodes: null };
const guest = { vmid: 100, cluster: 'lab' };

forEachDatabase((_name, open) => {
  describe('pauses from polls over TLS', () => {
    let lab: Lab;
    let db: Database;
    let manager: Collector;

    beforeEach(async () => {
      [lab, db] = await Promise.all([startLab(), open()]);
      manager = lab.manager(db);
      await manager.pollNow(all);
      await poll(2);
    });

    afterEach(() => lab.close());

    async function poll(rounds: number): Promise<void> {
      for (let round = 0; round < rounds; round += 1) {
        lab.move(30 * SECOND);
        await manager.pollNow(all);
      }
    }

    async function pauses(): Promise<PauseView[]> {
      const sessions = await sessionsOf(db, guest);
      expect(sessions).to.have.length(1);
      return sessions[0]?.pauses ?? [];
    }

    function expectWithin(edge: PauseView['start'] | null | undefined, at: number): void {
      expect(edge?.earliest).to.be.at.most(at);
      expect(edge?.latest).to.be.at.least(at);
    }

    it('lie between the tasks of a pause and a resume by hand', async () => {
      const pausedAt = lab.clock.at;
      lab.simulator.act({ at: pausedAt, kind: 'pause', ...guest });
      await poll(4);
      const [open] = await pauses();
      expect([open?.kind, open?.end, open?.start.evidence]).to.deep.equal(['paused', null, 'task']);
      lab.simulator.act({ at: lab.clock.at, kind: 'resume', ...guest });
      const resumedAt = lab.clock.at;
      await poll(2);
      const [pause, ...more] = await pauses();
      expect(more).to.deep.equal([]);
      expect(pause?.startUpid).to.match(/:qmpause:100:/);
      expect(pause?.endUpid).to.match(/:qmresume:100:/);
      expect(pause?.start.at).to.be.within(pausedAt - SECOND, pausedAt + 2 * SECOND);
      expect(pause?.end?.at).to.be.within(resumedAt - SECOND, resumedAt + 2 * SECOND);
      const [session] = await sessionsOf(db, guest);
      expect(session?.pausedMs).to.be.within(115 * SECOND, 125 * SECOND);
    });

    it('are seen where no task tells of them', async () => {
      const from = lab.clock.at;
      lab.simulator.act({ at: from, kind: 'halt', state: 'io-error', takesMs: 3 * MINUTE, ...guest });
      await poll(9);
      const [pause, ...more] = await pauses();
      expect(more).to.deep.equal([]);
      expect([pause?.kind, pause?.start.evidence, pause?.end?.evidence]).to.deep.equal(['io-error', 'poll', 'poll']);
      expectWithin(pause?.start, from);
      expectWithin(pause?.end, from + 3 * MINUTE);
    });

    it('are the same where the manager is restarted before, within and after them', async () => {
      const from = lab.clock.at + SECOND;
      manager = lab.manager(db);
      lab.simulator.act({ at: from, kind: 'halt', state: 'suspended', takesMs: 5 * MINUTE, ...guest });
      await poll(4);
      const [seen] = await pauses();
      expect(seen?.end).to.equal(null);
      expectWithin(seen?.start, from);
      // Known as well as without the restart: the last proof of running was stored with the node's polls.
      expect((seen?.start.latest ?? 0) - (seen?.start.earliest ?? 0)).to.be.below(70 * SECOND);
      await poll(5);
      const lastAt = lab.clock.at;
      manager = lab.manager(db);
      await poll(3);
      const [pause, ...more] = await pauses();
      expect(more).to.deep.equal([]);
      expect(pause?.start).to.deep.equal(seen?.start);
      expectWithin(pause?.end, from + 5 * MINUTE);
      expect(pause?.end?.earliest).to.be.above(lastAt - MINUTE);
    });

    it('end with their session', async () => {
      lab.simulator.act({ at: lab.clock.at, kind: 'pause', ...guest });
      await poll(2);
      lab.simulator.act({ at: lab.clock.at, kind: 'stop', ...guest });
      await poll(2);
      const [session] = await sessionsOf(db, guest);
      expect(session?.end).not.to.equal(null);
      expect(session?.pauses.map(({ end }) => end?.at)).to.deep.equal([session?.end?.at]);
    });

    it('are two in one backup job of two nights, and of each only a moment', async () => {
      for (let night = 0; night < 2; night += 1) {
        lab.simulator.act({
          at: lab.clock.at,
          kind: 'backup',
          node: 'pve-01',
          vmids: [100],
          mode: 'suspend',
          takesMs: MINUTE,
        });
        await poll(4);
      }
      const found = await pauses();
      expect(found.map(({ end }) => end?.evidence)).to.deep.equal(['task', 'task']);
      for (const { start, end } of found) expect((end?.at ?? 0) - start.at).to.be.below(6 * SECOND);
    });

    it('cost a poll that sees nothing new no row but its own', async () => {
      lab.simulator.act({ at: lab.clock.at, kind: 'pause', ...guest });
      await poll(3);
      const before = await rowCounts(db);
      expect([before['pause_spans'], before['pauses']]).to.deep.equal([1, 1]);
      await poll(1);
      const after = await rowCounts(db);
      const grown = Object.keys(after).filter((table) => after[table] !== before[table]);
      expect(grown.filter((table) => table !== 'revisions')).to.deep.equal(['polls']);
    });
  });
});
