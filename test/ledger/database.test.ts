import { expect } from 'chai';
import { inTransaction, isUniqueViolation, rowsOf, type Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';

const NOW = 1_774_747_800_123;

async function addCluster(db: Database, key: string): Promise<number> {
  const [id] = await db.writer('clusters').insert({ cluster_key: key, name: key, created_at: NOW });
  return id as number;
}

async function revisionOf(db: Database, id: number): Promise<number> {
  const row = (await db.reader('clusters').where({ id }).first('revision')) as { revision: number };
  return row.revision;
}

describe('the database', () => {
  forEachDatabase((name, open) => {
    let db: Database;
    before(async () => {
      db = await open();
    });

    it('yields ids, instants and sums as numbers', async () => {
      const id = await addCluster(db, 'numbers');
      const row = (await db.reader('clusters').where({ id }).first()) as Record<string, unknown>;
      expect(row['id']).to.equal(id);
      expect(row['created_at']).to.equal(NOW);
      const summed = (await db
        .reader('clusters')
        .where({ id })
        .sum('created_at as total')
        .count('* as count')
        .first()) as Record<string, unknown> | undefined;
      expect(summed).to.deep.include({ total: NOW, count: 1 });
    });

    it('stores booleans as 0 and 1', async () => {
      const clusterId = await addCluster(db, 'booleans');
      const node = { cluster_id: clusterId, proxmox_name: 'n', hostname: 'n', source: 'pull', health: 'online' };
      await db.writer('nodes').insert({ ...node, name: 'on', is_active: true, created_at: NOW });
      await db.writer('nodes').insert({ ...node, name: 'off', generation: 2, is_active: false, created_at: NOW });
      const rows = (await db.reader('nodes').where({ cluster_id: clusterId }).orderBy('id')) as { is_active: number }[];
      expect(rows.map((row) => row.is_active)).to.deep.equal([1, 0]);
      expect(await db.reader('nodes').where({ cluster_id: clusterId, is_active: true })).to.have.length(1);
    });

    it('tells names apart that differ in case alone, and keeps every character', async () => {
      await db.writer('settings').insert({ name: 'Key', value: 'Grüße, 你好 🚀' });
      await db.writer('settings').insert({ name: 'key', value: 'small' });
      const row = (await db.reader('settings').where({ name: 'Key' }).first()) as { value: string };
      expect(row.value).to.equal('Grüße, 你好 🚀');
    });

    it('tells a taken key from other refusals', async () => {
      await addCluster(db, 'taken');
      const taken = await addCluster(db, 'taken').catch((error: unknown) => error);
      expect(isUniqueViolation(taken)).to.equal(true);
      const lost = await db
        .writer('polls')
        .insert({ node_id: 999_999, began_at: NOW, finished_at: NOW })
        .then(
          () => null,
          (error: unknown) => error,
        );
      expect(lost, 'a poll of a node that is not there').to.be.instanceOf(Error);
      expect(isUniqueViolation(lost)).to.equal(false);
    });

    it('quotes no value of a statement in its error', async () => {
      await db.writer('users').insert({ name: 'ann', password_hash: 'x', role: 'admin', created_at: NOW });
      const error = (await db
        .writer('users')
        .insert({ name: 'ann', password_hash: 'very-secret', role: 'admin', created_at: NOW })
        .catch((reason: unknown) => reason)) as Error;
      expect(error.message).not.to.contain('very-secret');
    });

    it('commits what a transaction did and yields its result', async () => {
      const id = await addCluster(db, 'commits');
      const result = await inTransaction(db, async (trx) => {
        await trx('clusters').where({ id }).update({ revision: 7 });
        return 'done';
      });
      expect(result).to.equal('done');
      expect(await revisionOf(db, id)).to.equal(7);
    });

    it('rolls back a transaction whose work throws, and passes the error on', async () => {
      const id = await addCluster(db, 'throws');
      const error = await inTransaction(db, async (trx) => {
        await trx('clusters').where({ id }).update({ revision: 7 });
        throw new Error('no');
      }).catch((reason: unknown) => reason);
      expect(error).to.have.property('message', 'no');
      expect(await revisionOf(db, id)).to.equal(0);
    });

    it('counts the rows that an update meets, changed or not', async () => {
      const id = await addCluster(db, 'counts');
      expect(await db.writer('clusters').where({ id, revision: 0 }).update({ revision: 0 })).to.equal(1);
      expect(await db.writer('clusters').where({ id, revision: 9 }).update({ revision: 0 })).to.equal(0);
    });

    it('refuses to write through the reader', async () => {
      const error = await db
        .reader('settings')
        .insert({ name: 'by-reader', value: '1' })
        .then(
          () => null,
          (reason: unknown) => reason,
        );
      expect(error).to.be.instanceOf(Error);
      expect(await db.reader('settings').where({ name: 'by-reader' })).to.have.length(0);
    });

    it('lets readers see the last commit while a write transaction is open', async () => {
      const id = await addCluster(db, 'open-write');
      await inTransaction(db, async (trx) => {
        await trx('clusters').where({ id }).update({ revision: 5 });
        expect(await revisionOf(db, id)).to.equal(0);
      });
      expect(await revisionOf(db, id)).to.equal(5);
    });

    it('yields the rows of raw queries alike', async () => {
      expect(rowsOf(await db.reader.raw('SELECT 1 AS one UNION ALL SELECT 2 ORDER BY 1'))).to.deep.equal([
        { one: 1 },
        { one: 2 },
      ]);
      expect(rowsOf(await db.reader.raw('SELECT 1 AS one FROM settings WHERE 1 = 0'))).to.deep.equal([]);
      expect(rowsOf(await db.writer.raw("UPDATE settings SET value = '' WHERE 1 = 0"))).to.deep.equal([]);
    });

    it('lets only one session of a guest be open', async () => {
      const clusterId = await addCluster(db, `open-${name}`);
      const [guestId] = (await db.writer('guests').insert({
        cluster_id: clusterId,
        type: 'qemu',
        vmid: 104,
        life: 1,
        current_vmid: 104,
        first_seen_at: NOW,
        created_at: NOW,
      })) as number[];
      const session = {
        guest_id: guestId,
        open_guest_id: guestId,
        start_at: NOW,
        start_latest: NOW,
        start_evidence: 'poll',
        created_at: NOW,
        updated_at: NOW,
      };
      await db.writer('sessions').insert(session);
      expect(
        isUniqueViolation(
          await db
            .writer('sessions')
            .insert(session)
            .catch((e: unknown) => e),
        ),
      ).to.equal(true);
      await db.writer('sessions').insert({ ...session, open_guest_id: null });
      await db.writer('sessions').insert({ ...session, open_guest_id: null });
    });
  });
});
