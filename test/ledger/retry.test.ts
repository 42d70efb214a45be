import { expect } from 'chai';
import { inTransaction, openDatabase, type Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';

async function addClusters(db: Database): Promise<[number, number]> {
  const ids: number[] = [];
  for (const key of ['a', 'b']) {
    const [id] = await db.writer('clusters').insert({ cluster_key: key, name: key, created_at: 1 });
    ids.push(id as number);
  }
  return ids as [number, number];
}

/** Resolves when it was called `count` times. */
function gate(count: number): { arrive(): Promise<void> } {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrived = 0;
  return {
    arrive: () => {
      if (++arrived >= count) open();
      return opened;
    },
  };
}

describe('a transaction that the database refuses', () => {
  forEachDatabase((name, open, fresh) => {
    if (name === 'MariaDB') {
      it('runs again as a whole after a deadlock', async () => {
        const db = await open();
        const [a, b] = await addClusters(db);
        const both = gate(2);
        let runs = 0;
        const bump = async (first: number, second: number): Promise<void> => {
          let isFirstRun = true;
          await inTransaction(db, async (trx) => {
            runs++;
            await trx('clusters').where({ id: first }).increment('revision', 1);
            if (isFirstRun) {
              isFirstRun = false;
              await both.arrive();
            }
            await trx('clusters').where({ id: second }).increment('revision', 1);
          });
        };
        await Promise.all([bump(a, b), bump(b, a)]);
        const rows = (await db.reader('clusters').orderBy('id').select('revision')) as { revision: number }[];
        expect(rows.map((row) => row.revision)).to.deep.equal([2, 2]);
        expect(runs, 'one of the two was chosen as the victim').to.be.greaterThan(2);
      });
    }

    if (name === 'SQLite') {
      it('waits without blocking the process while another connection writes', async () => {
        const config = await fresh.migrated();
        const db = openDatabase(config, { busyTimeoutMs: 0 });
        const other = openDatabase(config, { busyTimeoutMs: 0 });
        try {
          const [a] = await addClusters(db);
          const blocker = await other.writer.transaction();
          await blocker('clusters').where({ id: a }).increment('revision', 1);
          let runs = 0;
          const waiting = inTransaction(db, async (trx) => {
            runs++;
            await trx('clusters').where({ id: a }).increment('revision', 1);
          });
          // Meanwhile readers of the same process go on.
          expect(await db.reader('clusters')).to.have.length(2);
          await blocker.commit();
          await waiting;
          const row = (await db.reader('clusters').where({ id: a }).first()) as { revision: number };
          expect(row.revision).to.equal(2);
          expect(runs, 'the work starts only once the write lock is held').to.equal(1);
        } finally {
          await other.close();
          await db.close();
        }
      });
    }

    it('gives up after a bounded number of runs and passes on the last error', async () => {
      const db = await open();
      let runs = 0;
      const refusal = Object.assign(new Error('deadlock'), name === 'SQLite' ? { errcode: 5 } : { errno: 1213 });
      const error = await inTransaction(db, () => {
        runs++;
        return Promise.reject(refusal);
      }).catch((reason: unknown) => reason);
      expect(error).to.equal(refusal);
      expect(runs).to.equal(8);
    });

    it('is not run again after an error of another kind', async () => {
      const db = await open();
      let runs = 0;
      await inTransaction(db, () => {
        runs++;
        return Promise.reject(new Error('other'));
      }).catch(() => {});
      expect(runs).to.equal(1);
    });
  });
});
