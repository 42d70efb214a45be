import { expect } from 'chai';
import { ClusterLedger, type FinishedPoll } from '../../src/collect/cluster-ledger.js';
import { WriteQueue } from '../../src/collect/write-queue.js';
import { inTransaction, type Database } from '../../src/ledger/database.js';
import { ensureCluster, ensureNode } from '../../src/ledger/stores/clusters.js';
import { forEachDatabase } from '../support/databases.js';
import { BEGAN_AT, MovedClock, SECOND } from './lab.js';

forEachDatabase((_name, open) => {
  describe('the queue of finished polls', () => {
    let db: Database;
    let queue: WriteQueue;
    let ledger: ClusterLedger;
    let nodeId: number;

    beforeEach(async () => {
      db = await open();
      queue = new WriteQueue(db);
      const { id: clusterId } = await inTransaction(db, (trx) => ensureCluster(trx, 'node:n1', 'n1', BEGAN_AT));
      const wanted = { clusterId, clusterName: 'n1', name: 'n1', proxmoxName: 'n1', hostname: '127.0.0.1' };
      nodeId = (await inTransaction(db, (trx) => ensureNode(trx, wanted, BEGAN_AT))).id;
      ledger = await ClusterLedger.open(db, clusterId, { clock: new MovedClock(), intervalMs: 30 * SECOND });
    });

    it('takes a poll that comes in the very turn in which the one before was done', async () => {
      let chain: Promise<unknown> = Promise.resolve();
      for (let k = 0; k < 10; k++) chain = chain.then(() => queue.apply(ledger, pollAt(nodeId, k)));
      await chain;
      expect(await db.reader('polls').select('id')).to.have.length(10);
    });

    it('writes polls that wait together in one transaction, in their order', async () => {
      const before = await revisionOf(db);
      await Promise.all(Array.from({ length: 5 }, (_, k) => queue.apply(ledger, pollAt(nodeId, k))));
      expect(await revisionOf(db)).to.equal(before + 1);
      const rows = (await db.reader('polls').orderBy('id').select('began_at')) as { began_at: number }[];
      expect(rows.map((row) => row.began_at)).to.deep.equal(Array.from({ length: 5 }, (_, k) => atOf(k)));
    });

    it('refuses one poll that cannot be written without losing the others of its batch', async () => {
      const polls = [pollAt(nodeId, 0), pollAt(nodeId + 1000, 1), pollAt(nodeId, 2)];
      const outcomes = await Promise.allSettled(polls.map((poll) => queue.apply(ledger, poll)));
      expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
      expect(await db.reader('polls').select('id')).to.have.length(2);
    });

    it('writes calls that arrived together in one transaction, though a turn of the loop lies between them', async () => {
      const before = await revisionOf(db);
      const arrived = (k: number): Promise<number> =>
        new Promise((resolve) => setImmediate(resolve)).then(() => queue.call(ledger, () => Promise.resolve(k)));
      expect(await Promise.all([0, 1, 2, 3].map(arrived))).to.deep.equal([0, 1, 2, 3]);
      expect(await revisionOf(db)).to.equal(before + 1);
    });

    it('undoes a call that fails, in the database and in memory, and no other of its transaction', async () => {
      const rename = (name: string, fails: boolean): Promise<void> =>
        queue.call(ledger, async (trx, { state }) => {
          await trx('nodes').where({ id: nodeId }).update({ hostname: name });
          if (!fails) return;
          state.nodes.delete(nodeId);
          throw new Error('it cannot be taken');
        });
      const heldAfter = queue.call.bind(queue, ledger, (_trx, { state }) => Promise.resolve([...state.nodes.keys()]));
      const outcomes = await Promise.allSettled([rename('first', false), rename('second', true), heldAfter()]);
      expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled']);
      expect(outcomes[2]).to.include({ status: 'fulfilled' });
      expect((outcomes[2] as PromiseFulfilledResult<unknown>).value).to.deep.equal([nodeId]);
      expect(await db.reader('nodes').where({ id: nodeId }).first('hostname')).to.deep.equal({ hostname: 'first' });
      await queue.call(ledger, () => Promise.resolve());
      expect([...ledger.state.nodes.keys()]).to.deep.equal([nodeId]);
    });

    it('reads again what someone else changed while a call was under way', async () => {
      await queue.call(ledger, async () => {
        await db.reader('nodes').select('id');
        ledger.invalidate();
        ledger.state.nodes.clear();
      });
      const held = await queue.call(ledger, (_trx, { state }) => Promise.resolve([...state.nodes.keys()]));
      expect(held).to.deep.equal([nodeId]);
    });
  });
});

function atOf(k: number): number {
  return BEGAN_AT + k * 30 * SECOND;
}

function pollAt(nodeId: number, k: number): FinishedPoll {
  const at = atOf(k);
  const seen = { kind: 'seen' as const, sentAt: at, receivedAt: at };
  return {
    nodeId,
    health: 'online',
    error: null,
    observation: {
      node: 'n1',
      beganAt: at,
      finishedAt: at,
      qemu: { ...seen, value: [] },
      lxc: { ...seen, value: [] },
      tasks: { ...seen, value: { rows: [], metKnown: false, isComplete: true } },
      offset: null,
      status: null,
    },
  };
}

async function revisionOf(db: Database): Promise<number> {
  const row = (await db.reader('clusters').first('revision')) as { revision: number };
  return row.revision;
}
