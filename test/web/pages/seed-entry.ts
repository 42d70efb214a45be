import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { insertEntry } from '../../../src/ledger/stores/node-entries.js';
import { entryParts } from '../../support/entry-parts.js';
import { seedNow } from './seed-plan.js';

/** An entry of `nodes:` in the database, pve-09, which was not asked yet. */
export async function seedEntry(db: Database): Promise<void> {
  const node = {
    ...{ name: 'pve-09', host: '10.0.0.19', port: 8006, user: 'tracker@pve', tokenName: 'tracker' },
    ...{ tokenValue: 'a-secret', scope: 'cluster' as const, journal: false, agentNames: [] },
    trust: { kind: 'fingerprint' as const, sha256: 'AB:'.repeat(31) + 'AB' },
  };
  await inTransaction(db, (trx) => insertEntry(trx, node, { box: entryParts().box, actor: 'admin' }, seedNow));
}
