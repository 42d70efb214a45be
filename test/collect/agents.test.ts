import { expect } from 'chai';
import type { Collector } from '../../src/collect/collect.js';
import type { AgentWord } from '../../src/core/ingest.js';
import type { Database } from '../../src/ledger/database.js';
import { listNodes } from '../../src/ledger/queries/nodes.js';
import { forEachDatabase } from '../support/databases.js';
import { MINUTE, SECOND, sessionsOf, startLab, type Lab } from './lab.js';

const all = { nodes: null };

forEachDatabase((_name, open) => {
  describe('a node that is polled and reported by an agent', () => {
    let lab: Lab;
    let db: Database;
    let manager: Collector;

    beforeEach(async () => {
      [lab, db] = await Promise.all([
        startLab({ entry: (entry) => ({ ...entry, agentNames: [`${entry.name}-agent`] }) }),
        open(),
      ]);
      manager = lab.manager(db);
      await manager.pollNow(all);
    });

    afterEach(() => lab.close());

    const says = (node: string, word: AgentWord) =>
      manager.acceptCall({ node, eventId: null, sentAt: null, stampAt: null, arrivedAt: lab.clock.at, word });

    it('keeps one session, told by the polls, whatever the agent says of it', async () => {
      const nodes = await listNodes(db.reader);
      const [before] = (await sessionsOf(db)).filter(({ end }) => end === null);
      const name = nodes.find(({ name: one }) => one === before?.node)?.name ?? '';
      expect(before?.type).to.equal('qemu');
      const vmid = before?.vmid ?? 0;
      for (const called of [name, name.toUpperCase(), `${name}-agent`]) {
        lab.move(10 * SECOND);
        const answer = await says(called, { kind: 'start', vmid, type: 'qemu', name: null });
        expect([answer.sessionId, answer.wasRunning, answer.nodeName]).to.deep.equal([before?.id, true, name]);
      }
      await says(name, { kind: 'stop', vmid });
      lab.move(30 * SECOND);
      await manager.pollNow(all);
      const after = (await sessionsOf(db)).find(({ id }) => id === before?.id);
      expect([after?.end, after?.start.at]).to.deep.equal([null, before?.start.at]);
      expect(await listNodes(db.reader)).to.have.length(nodes.length);
    });

    it('is heard where polls saw nothing', async () => {
      const [running] = (await sessionsOf(db)).filter(({ end }) => end === null);
      const { vmid, node: name } = running ?? { vmid: 0, node: '' };
      await lab.power(name, `qemu/${vmid}`, 'stop');
      lab.move(MINUTE);
      await manager.pollNow(all);
      const known = (await sessionsOf(db, { vmid })).length;
      lab.move(10 * MINUTE);
      await says(name, { kind: 'start', vmid, type: 'qemu', name: null });
      lab.move(10 * MINUTE);
      await says(name, { kind: 'stop', vmid });
      lab.move(10 * MINUTE);
      await manager.pollNow(all);
      const sessions = await sessionsOf(db, { vmid });
      expect(sessions).to.have.length(known + 1);
      expect([sessions.at(-1)?.start.evidence, sessions.at(-1)?.end?.evidence]).to.deep.equal(['agent', 'agent']);
    });
  });
});
