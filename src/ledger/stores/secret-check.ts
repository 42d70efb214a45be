import type { SecretBox } from '../../secrets.js';
import { inTransaction, isUniqueViolation, type Database } from '../database.js';

const NAME = 'secret_key_check';
const CONTEXT = 'the check text of this database';

/**
 * Makes sure that the box has the key with which this database's secrets are sealed: the first who asks leaves a sealed text
 * there, all others must be able to open it. Throws a SecretKeyError where the key is another one or is gone.
 */
export async function checkSecretKey(db: Database, box: SecretBox): Promise<void> {
  const stored = await storedCheck(db);
  if (stored !== null) {
    box.open(stored, CONTEXT);
    return;
  }
  const value = box.seal('proxmox-tracker', CONTEXT);
  try {
    await inTransaction(db, (trx) => trx('settings').insert({ name: NAME, value }));
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    // Another manager was first at this moment.
    box.open((await storedCheck(db)) ?? '', CONTEXT);
  }
}

async function storedCheck(db: Database): Promise<string | null> {
  const row = (await db.writer('settings').where({ name: NAME }).first()) as { value: string } | undefined;
  return row?.value ?? null;
}
