import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { Database } from '../../src/ledger/database.js';
import type { ScenarioEvent } from '../../src/simulator/scenario.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import { forEachDatabase } from '../support/databases.js';
import { BEGAN_AT, HOUR, MINUTE, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const all = { nodes: null };
const gib = 2 ** 30;

/** Seconds after the first poll. */
const later = (seconds: number): number => BEGAN_AT + HOUR + seconds * SECOND;

forEachDatabase((_name, open) => {
  describe('what changes of a guest', () => {
    let lab: Lab;
    let db: Database;
    let manager: Collector;

    const begin = async (events: ScenarioEvent[]): Promise<void> => {
      [lab, db] = await Promise.all([startLab({ scenario: { ...labScenario(BEGAN_AT), events } }), open()]);
      manager = lab.manager(db);
      await manager.pollNow(all);
    };

    afterEach(() => lab.close());

    const changesOf = async (vmid: number): Promise<Record<string, unknown>[]> => {
      const rows = db
        .reader('guest_changes as c')
        .join('guests as g', 'g.id', 'c.guest_id')
        .join('clusters as k', 'k.id', 'g.cluster_id');
      return (await rows.where({ 'g.vmid': vmid, 'k.name': 'lab' }).orderBy('c.id').select('c.*')) as Record<
        string,
        unknown
      >[];
    };

    it('is kept with its bounds, and a resize splits the session’s segment at the same instant for ever', async () => {
      const at = later(40);
      await begin([
        { kind: 'change', vmid: 101, at, name: 'db-old', cores: 16, memoryBytes: 64 * gib },
        { kind: 'stop', vmid: 101, at: later(300) },
      ]);
      const before = lab.clock.at;
      lab.move(MINUTE);
      await manager.pollNow(all);
      const rows = await changesOf(101);
      expect(rows.map(({ field, before_value, after_value }) => [field, before_value, after_value])).to.deep.equal([
        ['name', 'db-primary', 'db-old'],
        ['cores', '8', '16'],
        ['memory_bytes', String(32 * gib), String(64 * gib)],
      ]);
      for (const row of rows) {
        expect(row).to.include({ earliest: before, latest: lab.clock.at });
        expect(at).to.be.within(Number(row['earliest']), Number(row['latest']));
      }
      const sizes = async () =>
        (await sessionsOf(db, { vmid: 101, cluster: 'lab' })).map(({ segments }) =>
          segments.map(({ startedAt, cores, memoryBytes }) => [startedAt, cores, memoryBytes]),
        );
      const [segments] = await sizes();
      expect(segments).to.have.length(2);
      expect(segments?.[0]?.slice(1)).to.deep.equal([8, 32 * gib]);
      expect(segments?.[1]).to.deep.equal([rows[1]?.['at'], 16, 64 * gib]);

      // Another manager, which knows what is stored alone, ends the session: its sizes stay.
      lab.move(10 * MINUTE);
      await lab.manager(db).pollNow(all);
      expect(await sizes()).to.deep.equal([segments]);
      expect((await sessionsOf(db, { vmid: 101, cluster: 'lab' }))[0]?.endReason).to.equal('stop');
    });
  });
});
