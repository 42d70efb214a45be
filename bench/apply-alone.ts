import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { silentLog } from '../src/log.js';
import type * as databases from '../src/ledger/database.js';
import type * as migrations from '../src/ledger/migrations.js';
import type * as applying from './apply-poll.js';

/** Measured on a new database each, so that the compiler is warm and no run has the history of another. */
const RUNS = 2;

/** The costs of applying polls as the sources under `root` do it, for apply-ratio: a process of its own for each. */
const [root = '', guestCount = '1000'] = process.argv.slice(2);
const load = async <T>(path: string): Promise<T> => (await import(pathToFileURL(join(root, path)).href)) as T;
const { applyCosts } = await load<typeof applying>('bench/apply-poll.ts');
const { openDatabase } = await load<typeof databases>('src/ledger/database.ts');
const { migrate } = await load<typeof migrations>('src/ledger/migrations.ts');
const runs: applying.ApplyCosts[] = [];
for (let k = 0; k < RUNS; k++) {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-apply-'));
  const db = openDatabase({ type: 'sqlite', file: join(folder, 'bench.sqlite') });
  try {
    await migrate(db, { log: silentLog });
    runs.push(await applyCosts(db, Number(guestCount)));
  } finally {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
process.send?.(runs);
process.disconnect();
