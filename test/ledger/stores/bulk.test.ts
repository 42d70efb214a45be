import { expect } from 'chai';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { insertForIds, insertRows, updateRows } from '../../../src/ledger/stores/bulk.js';
import { forEachDatabase } from '../../support/databases.js';

const row = (key: string, revision: number) => ({ cluster_key: key, name: `n ${key}`, revision, created_at: 7 });

forEachDatabase((_name, open) => {
  describe('rows written many at a time', () => {
    let db: Database;
    before(async () => {
      db = await open();
    });

    it('get their ids in the order of the rows, whatever their number', async () => {
      await inTransaction(db, async (trx) => {
        for (const count of [0, 1, 7, 10, 234]) {
          const rows = Array.from({ length: count }, (_, k) => row(`${count}-${k}`, k % 3));
          const ids = await insertForIds(trx, 'clusters', rows, 'revision');
          const stored = new Map(
            ((await trx('clusters').select('id', 'cluster_key')) as { id: number; cluster_key: string }[]).map(
              (one) => [one.cluster_key, one.id],
            ),
          );
          expect(ids).to.deep.equal(rows.map((one) => stored.get(one.cluster_key)));
        }
      });
    });

    it('are fewer in a statement where their texts are long', async () => {
      await inTransaction(db, async (trx) => {
        const [clusterId = 0] = (await trx('clusters').insert(row('long', 0))) as number[];
        const names = { name: 'push-01', proxmox_name: 'push-01', hostname: 'push-01' };
        const node = { cluster_id: clusterId, ...names, source: 'push', health: 'online', created_at: 7 };
        const [nodeId] = (await trx('nodes').insert(node)) as number[];
        // Snapshots of 2,000 guests: a hundred are more than MariaDB's max_allowed_packet.
        const body = 'x'.repeat(220_000);
        const rows = Array.from({ length: 100 }, (_, k) => ({ node_id: nodeId, kind: 'states', arrived_at: k, body }));
        await insertRows(trx, 'agent_events', rows);
        const stored = (await trx('agent_events').orderBy('id').select('arrived_at', 'body')) as object[];
        expect(stored).to.deep.equal(rows.map(({ arrived_at }) => ({ arrived_at, body })));
      });
    });

    it('are changed where they are stored, but for the columns that are kept', async () => {
      await inTransaction(db, async (trx) => {
        const rows = Array.from({ length: 113 }, (_, k) => row(`kept-${k}`, k));
        await insertRows(trx, 'clusters', rows);
        const changed = rows.map((one) => ({ ...one, name: 'new', revision: one.revision + 1000, created_at: 9 }));
        await updateRows(trx, 'clusters', 'cluster_key', changed, ['created_at']);
        const stored = (await trx('clusters').where('cluster_key', 'like', 'kept-%').orderBy('id')) as object[];
        expect(stored).to.have.length(113);
        for (const [k, one] of stored.entries()) {
          expect(one).to.include({ cluster_key: `kept-${k}`, name: 'new', revision: k + 1000, created_at: 7 });
        }
      });
    });
  });
});
