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

    it('is its pool, which is lost only where a token that sees pools is shown none', async () => {
      await begin([{ kind: 'change', vmid: 101, at: later(40), pool: null }]);
      const poolOf = async (): Promise<unknown> => (await livesOf(101))[0]?.['pool'];
      const token = lab.simulator.world.scenario.clusters[0]?.tokens[0]?.privileges[0];
      if (token === undefined) throw new Error('the lab has no token');
      const { privileges } = token;
      token.privileges = privileges.filter((one) => one !== 'Pool.Audit');
      const blind = lab.manager(db);
      for (let round = 0; round < 3; round += 1) {
        await blind.pollNow(all);
        lab.move(30 * SECOND);
      }
      expect(await poolOf()).to.equal('production');
      token.privileges = privileges;
      const seeing = lab.manager(db);
      await seeing.pollNow(all);
      lab.move(30 * SECOND);
      await seeing.pollNow(all);
      expect(await poolOf()).to.equal(null);
      const rows = await changesOf(101);
      expect(rows.map(({ field, before_value, after_value }) => [field, before_value, after_value])).to.deep.equal([
        ['pool', 'production', null],
      ]);
    });

    /** A round of polls, and then what it made worth asking. */
    const poll = async (): Promise<void> => {
      await manager.pollNow(all);
      await manager.identities.idle();
    };

    /** Rounds of polls, each followed by what it made worth asking, until nothing more is found. */
    const settle = async (seconds: number): Promise<void> => {
      lab.move(seconds * SECOND);
      for (let round = 0; round < 3; round += 1) {
        await poll();
        lab.move(30 * SECOND);
      }
    };

    const livesOf = async (vmid: number): Promise<Record<string, unknown>[]> => {
      const rows = db.reader('guests as g').join('clusters as k', 'k.id', 'g.cluster_id');
      return (await rows.where({ 'g.vmid': vmid, 'k.name': 'lab' }).orderBy('g.life').select('g.*')) as Record<
        string,
        unknown
      >[];
    };

    it('is who it is: a config is read once, two at a time, and put on its row', async () => {
      await begin([]);
      await settle(0);
      const [vm] = await livesOf(104);
      expect(vm?.['uuid']).to.match(/^[0-9a-f-]{36}$/);
      const [container] = await livesOf(103);
      expect(container?.['hwaddr']).to.match(/^BC:24:11/);
      const rows = (await db.reader('identities').count('* as count'))[0] as { count: number | string };
      await settle(60);
      expect((await db.reader('identities').count('* as count'))[0]).to.deep.equal(rows);
    });

    const vanishes = (vmid: number): ScenarioEvent[] => [{ kind: 'destroy', vmid, at: later(200), force: true }];

    it('is gone when no member has its config in two polls, also where no task tells of it', async () => {
      await begin(vanishes(107));
      await settle(0);
      lab.fault({ kind: 'status', status: 500 }, HOUR, { path: '/tasks' });
      lab.move(60 * SECOND);
      await poll();
      const lastSeenAt = lab.clock.at;
      await settle(60);
      const [life] = await livesOf(107);
      expect(Number(life?.['destroyed_at'])).to.be.within(lastSeenAt, lab.clock.at);
      expect(later(200)).to.be.within(Number(life?.['destroyed_earliest']), Number(life?.['destroyed_latest']));
      const [session] = await sessionsOf(db, { vmid: 107, cluster: 'lab' });
      expect(session?.endReason).to.equal('destroy');
      expect(later(200)).to.be.within(session?.end?.earliest ?? 0, session?.end?.latest ?? 0);
      const rows = (await db.reader('identities').where({ vmid: 107, kind: 'gone' })) as unknown[];
      expect(rows).to.have.length(2);
    });

    it('is not gone while a member does not say so', async () => {
      await begin(vanishes(107));
      await settle(0);
      lab.fault({ kind: 'status', status: 500 }, HOUR, { path: '/tasks' });
      lab.fault({ kind: 'status', status: 403 }, HOUR, { path: '/nodes/pve-01/lxc/107/config' });
      await settle(150);
      const [life] = await livesOf(107);
      expect(life?.['destroyed_at']).to.equal(null);
      expect((await sessionsOf(db, { vmid: 107, cluster: 'lab' }))[0]?.end).to.equal(null);
    });

    const again = (kind: 'restore' | 'create', type: 'qemu' | 'lxc', vmid: number, more: object = {}): ScenarioEvent =>
      kind === 'restore'
        ? { kind, node: 'pve-02', at: later(400), vmid, start: true, takesMs: 5000, ...more }
        : {
            kind,
            node: 'pve-02',
            at: later(400),
            guest: { type, vmid, name: 'other', cores: 1, memoryBytes: gib },
            start: true,
            takesMs: 5000,
          };

    const ends = (vmid: number): ScenarioEvent[] => [
      { kind: 'stop', vmid, at: later(200) },
      { kind: 'destroy', vmid, at: later(300) },
    ];

    const tables: [title: string, vmid: number, events: ScenarioEvent[], lives: number][] = [
      ['begins a new life when it is destroyed and made anew', 104, [...ends(104), again('create', 'qemu', 104)], 2],
      [
        'begins a new life when another is cloned into its VMID',
        104,
        [
          ...ends(104),
          { kind: 'clone', vmid: 111, at: later(380), toVmid: 104, name: 'copy', to: 'pve-03' },
          { kind: 'start', vmid: 104, at: later(420) },
        ],
        2,
      ],
      [
        'goes on where it is destroyed and restored with its uuid',
        104,
        [...ends(104), again('restore', 'qemu', 104, { fromVmid: 104 })],
        1,
      ],
      [
        'is another where it is restored with a uuid of its own',
        104,
        [...ends(104), again('restore', 'qemu', 104, { fromVmid: 104, isUnique: true })],
        2,
      ],
      [
        'goes on where it is restored in place',
        104,
        [{ kind: 'stop', vmid: 104, at: later(200) }, again('restore', 'qemu', 104)],
        1,
      ],
      [
        'is another where a container is destroyed and restored',
        107,
        [...ends(107), again('restore', 'lxc', 107, { fromVmid: 107 })],
        2,
      ],
    ];

    for (const [title, vmid, events, count] of tables) {
      it(title, async () => {
        await begin(events);
        await settle(0);
        await settle(150);
        await settle(200);
        const lives = await livesOf(vmid);
        expect(lives.map((life) => life['destroyed_at'] !== null)).to.deep.equal(count === 2 ? [true, false] : [false]);
        const sessions = await sessionsOf(db, { vmid, cluster: 'lab' });
        expect(sessions.map(({ guestId, end }) => [guestId, end === null])).to.deep.equal([
          [lives[0]?.['id'], false],
          [lives.at(-1)?.['id'], true],
        ]);
        expect(lives.at(-1)?.['current_vmid']).to.equal(vmid);
        // Another manager finds the same in the database.
        const other = lab.manager(db);
        await other.pollNow(all);
        expect((await livesOf(vmid)).map((life) => life['id'])).to.deep.equal(lives.map((life) => life['id']));
      });
    }
  });
});
