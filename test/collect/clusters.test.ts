import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { Database } from '../../src/ledger/database.js';
import { listNodes } from '../../src/ledger/queries/nodes.js';
import { forEachDatabase } from '../support/databases.js';
import { gapsOf, MINUTE, nodeOf, SECOND, sessionsOf, startLab, unseen, type Lab, type LabOptions } from './lab.js';

const all = { nodes: null };

forEachDatabase((_name, open) => {
  describe('clusters and their members', () => {
    let lab: Lab;
    let db: Database;

    const begin = async (options: LabOptions = {}): Promise<Collector> => {
      [lab, db] = await Promise.all([startLab({ timeoutSeconds: 1, ...options }), open()]);
      return lab.manager(db);
    };

    afterEach(() => lab.close());

    it('are one cluster where several entries lead to it, each member polled once', async () => {
      const manager = await begin();
      const report = await manager.pollNow(all);
      expect(report.nodes.map(({ node }) => node).sort()).to.deep.equal(['edge-01', 'pve-01', 'pve-02', 'pve-03']);
      const nodes = await listNodes(db.reader);
      expect(nodes.map(({ cluster, name }) => `${cluster}/${name}`)).to.deep.equal([
        'edge-01/edge-01',
        'lab/pve-01',
        'lab/pve-02',
        'lab/pve-03',
      ]);
      expect(await db.reader('polls').select('id')).to.have.length(4);
    });

    it('poll a member without an entry through another entry', async () => {
      const manager = await begin({ entry: (entry) => (entry.name === 'pve-02' ? null : entry) });
      expect(unseen(await manager.pollNow(all))).to.deep.equal([]);
      const node = await nodeOf(db, 'pve-02');
      expect(node).to.include({ health: 'online', cluster: 'lab', guestCount: 4 });
      // Its clock is 1.8 s ahead; that of the server that answered is right.
      expect(node.offsetMs).to.be.within(800, 2800);
      await lab.power('pve-02', 'qemu/105', 'start');
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      expect((await sessionsOf(db, { vmid: 105 }))[0]).to.include({ node: 'pve-02', end: null });
    });

    it('call each node as its own entry does', async () => {
      const named = { 'pve-01': 'first', 'pve-02': 'second', 'pve-03': 'third', 'edge-01': 'edge' };
      const manager = await begin({
        entry: (entry) => ({ ...entry, name: named[entry.name as keyof typeof named] }),
      });
      await manager.pollNow(all);
      expect((await listNodes(db.reader)).map(({ name }) => name)).to.deep.equal(['edge', 'first', 'second', 'third']);
    });

    it('ask another member when the own entry of a node fails, and its own again later', async () => {
      const manager = await begin();
      await manager.pollNow(all);
      await lab.simulator.stopNode('pve-02');
      lab.move(30 * SECOND);
      expect(unseen(await manager.pollNow(all))).to.deep.equal([]);
      expect((await nodeOf(db, 'pve-02')).health).to.equal('online');
      await lab.simulator.startNode('pve-02');
      lab.move(6 * MINUTE);
      await manager.pollNow(all);
      const member = [...manager.roster.members.values()].find(({ name }) => name === 'pve-02');
      expect(member?.routes[0]?.entry.config.name).to.equal('pve-02');
      const avoided = [...(member?.avoidedUntil.values() ?? [])].filter((until) => until > lab.clock.at);
      expect(avoided).to.deep.equal([]);
    });

    it('list an entry that never answered, and adopt it when it does', async () => {
      const manager = await begin();
      await lab.simulator.stopNode('edge-01');
      const report = await manager.pollNow(all);
      expect(unseen(report)).to.deep.equal(['edge-01']);
      expect(await nodeOf(db, 'edge-01')).to.include({ health: 'unreachable', lastSeenAt: null });
      const { id } = await nodeOf(db, 'edge-01');
      await lab.simulator.startNode('edge-01');
      lab.move(30 * SECOND);
      expect(unseen(await manager.pollNow(all))).to.deep.equal([]);
      expect(await nodeOf(db, 'edge-01')).to.include({ id, health: 'online', guestCount: 3 });
      expect(await listNodes(db.reader)).to.have.length(4);
    });

    it('take an entry that never answered and the member that others know for one node', async () => {
      const manager = await begin({
        entry: (entry) => (entry.name === 'pve-02' ? { ...entry, name: 'second' } : entry),
      });
      await lab.simulator.stopNode('pve-02');
      await manager.pollNow(all);
      await lab.simulator.startNode('pve-02');
      lab.move(30 * SECOND);
      expect(unseen(await manager.pollNow(all))).to.deep.equal([]);
      expect((await listNodes(db.reader)).map(({ name }) => name)).to.deep.equal([
        'edge-01',
        'pve-01',
        'pve-02',
        'pve-03',
      ]);
      expect((await nodeOf(db, 'pve-02')).health).to.equal('online');
    });

    it('accept a renewed certificate that another member names, at once', async () => {
      const manager = await begin();
      await manager.pollNow(all);
      await lab.simulator.renewCertificate('pve-02');
      lab.move(6 * MINUTE);
      expect(unseen(await manager.pollNow(all))).to.deep.equal([]);
      expect(await nodeOf(db, 'pve-02')).to.include({ health: 'online', lastError: null });
      lab.move(6 * MINUTE);
      await manager.pollNow(all);
      const member = [...manager.roster.members.values()].find(({ name }) => name === 'pve-02');
      expect([...(member?.avoidedUntil.values() ?? [])].filter((until) => until > lab.clock.at)).to.deep.equal([]);
      expect((await gapsOf(db)).filter(({ reason }) => reason === 'tls_error')).to.deep.equal([]);
    });

    it('refuse a renewed certificate that nobody names, with the command that pins it', async () => {
      const manager = await begin();
      await manager.pollNow(all);
      // A connection that is in use outlives the renewal.
      await manager.identities.idle();
      await lab.simulator.renewCertificate('edge-01');
      lab.move(6 * MINUTE);
      expect(unseen(await manager.pollNow(all))).to.deep.equal(['edge-01']);
      const node = await nodeOf(db, 'edge-01');
      expect(node.health).to.equal('tls_error');
      expect(node.lastError).to.match(/proxmox-tracker fingerprint 127\.0\.0\.1:\d+/);
      expect((await gapsOf(db, 'edge-01')).at(-1)).to.include({ reason: 'tls_error', endedAt: null });
      expect((await sessionsOf(db, { node: 'edge-01' })).map(({ end }) => end)).to.deep.equal([null, null]);
    });

    it('never take the certificate of one node for that of another', async () => {
      const manager = await begin({
        entry: (entry) => (entry.name === 'edge-01' ? { ...entry, port: portOf(lab, 'pve-01') } : entry),
      });
      await manager.pollNow(all);
      lab.move(30 * SECOND);
      expect(unseen(await manager.pollNow(all))).to.deep.equal(['edge-01']);
    });

    it('poll one node alone when it alone is asked for', async () => {
      const manager = await begin();
      await manager.pollNow(all);
      lab.move(30 * SECOND);
      const report = await manager.pollNow({ nodes: ['pve-03'] });
      expect(report.nodes.map(({ node }) => node)).to.deep.equal(['pve-03']);
      expect((await nodeOf(db, 'pve-03')).lastSeenAt).to.equal(lab.clock.at);
      expect((await nodeOf(db, 'pve-01')).lastSeenAt).to.equal(lab.clock.at - 30 * SECOND);
    });
  });
});

function portOf(lab: Lab, node: string): number {
  return lab.simulator.nodes.find(({ name }) => name === node)?.port ?? 0;
}
