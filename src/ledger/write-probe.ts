import { migrationStatus } from './migrations.js';
import { inTransaction, type Database } from './database.js';

/** Rolls the probe back: nothing of it is kept. */
class ProbeDone extends Error {
  override readonly name = 'ProbeDone';
}

/** Resolves where the database has the tables of this version and takes a row; rejects with the reason where not. Leaves no trace. */
export async function probeWrites(db: Database): Promise<void> {
  const { pending } = await migrationStatus(db);
  if (pending.length > 0) throw new Error(`the database lacks ${pending.length} migrations`);
  try {
    await inTransaction(db, async (trx) => {
      await trx('settings').insert({ name: 'write_probe', value: '1' });
      throw new ProbeDone();
    });
  } catch (error) {
    if (!(error instanceof ProbeDone)) throw error;
  }
}
