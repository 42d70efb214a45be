import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { NodeConfig } from '../../src/config/config.js';
import type { EntryFields } from '../../src/core/node-entries.js';
import { EntryError } from '../../src/core/node-entries.js';
import { listAudit } from '../../src/ledger/access.js';
import type { Database } from '../../src/ledger/database.js';
import { listNodes } from '../../src/ledger/queries/nodes.js';
import { forEachDatabase } from '../support/databases.js';
import { nodeOf, SECOND, sessionsOf, startLab, unseen, type Lab } from './lab.js';

const all = { nodes: null };
const speaker = { actor: 'ana', address: '192.0.2.7' };

forEachDatabase((_name, open) => {
  describe('an entry that is added while managers run', () => {
    let lab: Lab;
    let db: Database;

    beforeEach(async () => {
      [lab, db] = await Promise.all([startLab({ entry: () => null }), open()]);
    });
    afterEach(() => lab.close());

    const fieldsOf = (name: string, more: EntryFields = {}): EntryFields => {
      const node = lab.simulator.nodes.find((one) => one.name === name);
      const { user, tokenName, value } = lab.simulator.token;
      const way = { host: node?.host, port: node?.port, fingerprint: node?.fingerprint };
      return { name, ...way, user, token_name: tokenName, token_value: value, ...more };
    };
    const activeNodes = async (): Promise<string[]> => (await listNodes(db.reader)).map(({ name }) => name).sort();
    const faults = async (change: Promise<unknown>): Promise<string[]> => {
      const error: unknown = await change.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(EntryError);
      return (error as EntryError).faults.map(({ field }) => field);
    };
    const polled = async (manager: Collector): Promise<string[]> => {
      lab.move(20 * SECOND);
      const report = await manager.pollNow(all);
      expect(unseen(report)).to.deep.equal([]);
      return report.nodes.map(({ node }) => node).sort();
    };

    it('is polled by every manager at its next round, with its token sealed and in no line of the audit log', async () => {
      const [one, two] = [lab.manager(db), lab.manager(db)];
      expect(await polled(one)).to.deep.equal([]);
      expect(await polled(two)).to.deep.equal([]);
      const added = await one.entries.add(fieldsOf('pve-01', { scope: 'node' }), speaker);
      expect(added).to.include({ name: 'pve-01', isNew: true, error: null });
      expect(added.nodeId).to.equal((await nodeOf(db, 'pve-01')).id);
      expect(await polled(two)).to.deep.equal(['pve-01']);
      expect(await polled(one)).to.deep.equal(['pve-01']);
      expect((await sessionsOf(db)).length).to.be.greaterThan(0);
      const [entry] = (await listAudit(db.reader, { page: 1, perPage: 10 })).items;
      expect(entry).to.include({ action: 'entry.add', subject: 'pve-01', actor: 'ana', address: '192.0.2.7' });
      expect(entry?.after).to.include({ user: 'tracker@pve', token: 'set', scope: 'node' });
      const stored = JSON.stringify([await db.reader('node_entries'), await db.reader('audit_log')]);
      expect(stored).to.not.contain(lab.simulator.token.value);
      const [view] = await two.entries.list();
      expect(view).to.include({ state: 'online', problem: null, node: 'pve-01', origin: 'database' });
      // After a restart it is known without asking anybody.
      expect(await polled(lab.manager(db))).to.deep.equal(['pve-01']);
    });

    it('ends the tracking of the nodes that only it led to when it is taken away, and goes on when it is back', async () => {
      const [one, two] = [lab.manager(db), lab.manager(db)];
      await one.entries.add(fieldsOf('pve-01'), speaker);
      const members = await polled(one);
      expect(members.length).to.be.greaterThan(1);
      await polled(two);
      const open = (await sessionsOf(db)).filter(({ end }) => end === null);
      const [view] = await one.entries.list();
      expect([...(view?.onlyNodes ?? [])]).to.deep.equal(members);
      const { nodes, sessionCount } = await one.entries.remove('pve-01', speaker);
      expect([nodes.sort(), sessionCount]).to.deep.equal([members, 0]);
      expect(await activeNodes()).to.deep.equal([]);
      const ended = (await sessionsOf(db)).filter(({ endReason }) => endReason === 'removed');
      expect(ended.map(({ id }) => id)).to.deep.equal(open.map(({ id }) => id));
      for (const manager of [two, one]) expect(await polled(manager)).to.deep.equal([]);
      expect(await activeNodes()).to.deep.equal([]);
      const actions = (await listAudit(db.reader, { page: 1, perPage: 20 })).items.map(({ action }) => action);
      expect(actions.filter((action) => action === 'entry.remove')).to.have.length(1);
      expect(actions.filter((action) => action === 'node.delete')).to.have.length(members.length);
      await one.entries.add(fieldsOf('pve-01'), speaker);
      await polled(one);
      const again = (await sessionsOf(db)).filter(({ end }) => end === null);
      expect(again.map(({ id }) => id)).to.deep.equal(open.map(({ id }) => id));
    });

    it('shows the nodes that an entry leads to no more, after an edit to an address that is silent, as not seen', async () => {
      const manager = lab.manager(db);
      await manager.entries.add(fieldsOf('pve-01'), speaker);
      const members = await polled(manager);
      await manager.entries.edit('pve-01', fieldsOf('pve-01', { port: 1 }), speaker);
      for (const name of members) expect(await nodeOf(db, name), name).to.include({ health: 'unreachable' });
    });

    it('ends the tracking of its node also where it was edited to an address that does not answer', async () => {
      const manager = lab.manager(db);
      await manager.entries.add(fieldsOf('pve-01', { scope: 'node' }), speaker);
      await polled(manager);
      await manager.entries.edit('pve-01', fieldsOf('pve-01', { scope: 'node', port: 1 }), speaker);
      expect(await activeNodes()).to.deep.equal(['pve-01']);
      expect((await manager.entries.remove('pve-01', speaker)).nodes).to.deep.equal(['pve-01']);
      expect(await activeNodes()).to.deep.equal([]);
      expect((await sessionsOf(db)).filter(({ end }) => end === null)).to.deep.equal([]);
      // While another entry leads to it, it is tracked.
      await manager.entries.add(fieldsOf('pve-01', { scope: 'node' }), speaker);
      await manager.entries.add(fieldsOf('pve-02'), speaker);
      await manager.entries.edit('pve-01', fieldsOf('pve-01', { scope: 'node', port: 1 }), speaker);
      expect((await manager.entries.remove('pve-01', speaker)).nodes).to.deep.equal([]);
      expect(await activeNodes()).to.include('pve-01');
    });

    it('keeps nodes that another entry leads to', async () => {
      const manager = lab.manager(db);
      await manager.entries.add(fieldsOf('pve-01'), speaker);
      await manager.entries.add(fieldsOf('pve-02'), speaker);
      const members = await polled(manager);
      expect((await manager.entries.list()).map(({ onlyNodes }) => onlyNodes)).to.deep.equal([[], []]);
      expect((await manager.entries.remove('pve-01', speaker)).nodes).to.deep.equal([]);
      expect(await polled(manager)).to.deep.equal(members);
    });

    it('is changed without its token, which goes to no other server, and says what is wrong beside the field', async () => {
      const [one, two] = [lab.manager(db), lab.manager(db)];
      await one.entries.add(fieldsOf('pve-01', { fingerprint: '00'.repeat(32) }), speaker);
      const [broken] = await one.entries.list();
      expect(broken).to.include({ state: 'failing', node: null });
      expect(broken?.problem).to.match(/presents a certificate that is not the pinned one/);
      expect((await one.entries.test('pve-01')).sentence).to.match(/not the pinned one/);
      const mended = fieldsOf('pve-01', { token_value: '' });
      await one.entries.edit('pve-01', mended, speaker);
      expect((await one.entries.test('pve-01')).sentence).to.match(/^pve-01 answers \(cluster lab, .* guests found$/);
      for (const manager of [one, two]) expect(await polled(manager)).to.include('pve-01');
      const away = { ...mended, host: '127.0.0.99' };
      expect(await faults(one.entries.edit('pve-01', away, speaker))).to.deep.equal(['token_value']);
      const wrong = fieldsOf('pve-02', { host: 'https://pve', user: 'tracker', token_name: 'a!b', token_value: 'a b' });
      expect(await faults(one.entries.add(wrong, speaker))).to.deep.equal([
        'host',
        'user',
        'token_name',
        'token_value',
      ]);
      expect(await faults(one.entries.add({ ...wrong, colour: 'red' }, speaker))).to.deep.equal(['colour']);
      const leak = fieldsOf('pve-02', { token_file: '/etc/shadow', token_value: undefined });
      expect(await faults(one.entries.add(leak, speaker))).to.deep.equal(['token_file']);
      expect(
        await faults(one.entries.add({ ...fieldsOf('pve-01', { host: '127.0.0.9' }), name: 'PVE-01' }, speaker)),
      ).to.deep.equal(['name']);
      const twin = { ...fieldsOf('pve-01'), name: 'twin' };
      expect(await faults(one.entries.add(twin, speaker))).to.deep.equal(['host']);
      expect(await one.entries.list()).to.have.length(1);
    });

    it('takes a renewed token under the same name and address, and polls on with it', async () => {
      const manager = lab.manager(db);
      const chosen = { scope: 'node', journal: true, agent_names: ['old-agent'] };
      await manager.entries.add(fieldsOf('pve-01', { token_value: 'not-the-token', ...chosen }), speaker);
      expect((await manager.entries.list())[0]).to.include({ state: 'failing' });
      const added = await manager.entries.add(fieldsOf('pve-01'), speaker);
      expect((await manager.entries.list())[0]).to.deep.include({
        scope: 'node',
        journal: true,
        agentNames: ['old-agent'],
      });
      expect(added).to.include({ isNew: false, error: null, name: 'pve-01' });
      expect(await polled(manager)).to.include('pve-01');
      const [entry] = (await listAudit(db.reader, { page: 1, perPage: 1 })).items;
      expect(entry).to.include({ action: 'entry.edit' });
      expect(entry?.after).to.include({ token: 'replaced' });
    });

    it('gives way to config.yaml where that names the same node, and says so', async () => {
      const manager = lab.manager(db);
      await manager.entries.add(fieldsOf('pve-01'), speaker);
      const [view] = await manager.entries.list();
      lab.config.nodes.push({ ...(view as unknown as NodeConfig), tokenValue: lab.simulator.token.value });
      const restarted = lab.manager(db);
      const views = await restarted.entries.list();
      expect(views.map(({ origin, state }) => [origin, state])).to.deep.equal([
        ['config', 'waiting'],
        ['database', 'unused'],
      ]);
      expect(views[1]?.problem).to.match(/config.yaml names the same node/);
    });
  });
});
