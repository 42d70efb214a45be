import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';
import { gapsOf, HOUR, MINUTE, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const all = { nodes: null };

forEachDatabase((_name, open) => {
  describe('sessions from polls over TLS', () => {
    let lab: Lab;
    let db: Database;
    let manager: Collector;

    beforeEach(async () => {
      [lab, db] = await Promise.all([startLab(), open()]);
      manager = lab.manager(db);
      await manager.pollNow(all);
    });

    afterEach(() => lab.close());

    it('show a guest that was started and stopped by hand, with its tasks and its user', async () => {
      const askedAt = lab.clock.at;
      const started = await lab.power('pve-01', 'qemu/102', 'start');
      lab.move(20 * SECOND);
      expect((await manager.pollNow(all)).sessionsCreated).to.equal(1);
      const [open] = await sessionsOf(db, { vmid: 102, cluster: 'lab' });
      expect(open).to.include({ node: 'pve-01', user: 'tracker@pve', startUpid: started.upid, end: null });
      expect(open?.start.evidence).to.equal('uptime');
      expect(open?.start.at).to.be.within(askedAt - SECOND, askedAt + 15 * SECOND);

      lab.move(5 * MINUTE);
      const stoppedAt = lab.clock.at;
      const stopped = await lab.power('pve-01', 'qemu/102', 'stop');
      lab.move(20 * SECOND);
      const report = await manager.pollNow(all);
      expect(report).to.include({ sessionsCreated: 0, sessionsUpdated: 1 });
      expect(report.nodes.flatMap(({ changes }) => changes)).to.have.length(1);
      const [ended, ...others] = await sessionsOf(db, { vmid: 102, cluster: 'lab' });
      expect(others).to.deep.equal([]);
      expect(ended).to.include({ id: open?.id, stopUpid: stopped.upid, endReason: 'stop' });
      expect(ended?.end?.evidence).to.equal('task');
      expect(ended?.end?.at).to.be.within(stoppedAt - SECOND, stoppedAt + 15 * SECOND);
    });

    it('go on with the same id after a restart of the manager', async () => {
      await lab.power('pve-02', 'qemu/105', 'start');
      lab.move(20 * SECOND);
      await manager.pollNow(all);
      const before = await sessionsOf(db);
      lab.move(10 * MINUTE);
      const report = await lab.manager(db).pollNow(all);
      expect(report.sessionsCreated).to.equal(0);
      const after = await sessionsOf(db);
      expect(after.map(({ id, vmid, end }) => [id, vmid, end])).to.deep.equal(
        before.map(({ id, vmid, end }) => [id, vmid, end]),
      );
      expect(after.every((session) => session.provenUntil === lab.clock.at)).to.equal(true);
    });

    it('are rebuilt from the log for the hours in which the manager was down', async () => {
      const downAt = lab.clock.at;
      const at = (minutes: number): number => downAt + minutes * MINUTE;
      lab.simulator.act({ at: at(10), kind: 'start', vmid: 102, cluster: 'lab' });
      lab.simulator.act({ at: at(50), kind: 'stop', vmid: 102, cluster: 'lab' });
      lab.simulator.act({ at: at(60), kind: 'reboot', vmid: 100, cluster: 'lab' });
      lab.simulator.act({ at: at(70), kind: 'shutdown', vmid: 107, cluster: 'lab' });
      lab.clock.at = downAt + 2 * HOUR;
      await lab.manager(db).pollNow(all);

      const [ran] = await sessionsOf(db, { vmid: 102, cluster: 'lab' });
      expect(ran?.start.at).to.be.within(at(10) - SECOND, at(10) + 15 * SECOND);
      expect(ran?.end?.at).to.be.within(at(50) - SECOND, at(50) + 15 * SECOND);
      const [old, young, ...more] = await sessionsOf(db, { vmid: 100, cluster: 'lab' });
      expect(more).to.deep.equal([]);
      expect(old).to.include({ endReason: 'reboot' });
      expect(young?.start.at).to.be.within(at(60), at(62));
      expect((await sessionsOf(db, { vmid: 107, cluster: 'lab' }))[0]).to.include({ endReason: 'shutdown' });
      const gaps = await gapsOf(db);
      expect(gaps.map(({ reason, startedAt, endedAt }) => ({ reason, startedAt, endedAt }))).to.deep.equal(
        Array.from({ length: 4 }, () => ({ reason: 'manager_down', startedAt: downAt, endedAt: lab.clock.at })),
      );
    });

    it('keep one session through a live migration, with a segment on each node', async () => {
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      const [before] = await sessionsOf(db, { vmid: 101, cluster: 'lab' });
      lab.simulator.act({ at: lab.clock.at, kind: 'migrate', vmid: 101, cluster: 'lab', to: 'pve-03', takesMs: 8000 });
      for (let round = 0; round < 3; round++) {
        lab.move(30 * SECOND);
        await manager.pollNow(all);
      }
      const [after, ...others] = await sessionsOf(db, { vmid: 101, cluster: 'lab' });
      expect(others).to.deep.equal([]);
      expect(after).to.include({ id: before?.id, end: null, node: 'pve-03' });
      expect(after?.segments.map(({ node }) => node)).to.deep.equal(['pve-01', 'pve-03']);
    });

    it('count what a round did: guests as before, sessions new and changed', async () => {
      lab.move(30 * SECOND);
      const idle = await manager.pollNow(all);
      expect(idle).to.include({ sessionsCreated: 0, sessionsUpdated: 0, sessionsSkipped: 14 });
      await lab.power('edge-01', 'lxc/102', 'start');
      await lab.power('edge-01', 'qemu/100', 'stop');
      lab.move(30 * SECOND);
      const busy = await manager.pollNow({ nodes: ['edge-01'] });
      expect(busy.nodes.map(({ node, guestCount }) => [node, guestCount])).to.deep.equal([['edge-01', 3]]);
      expect(busy).to.include({ sessionsCreated: 1, sessionsUpdated: 1, sessionsSkipped: 1 });
    });
  });
});
