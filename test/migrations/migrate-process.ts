import type { DatabaseConfig } from '../../src/config/config.js';
import { openDatabase } from '../../src/ledger/database.js';
import { migrate } from '../../src/ledger/migrations.js';
import { silentLog } from '../../src/log.js';

// A process of its own for the tests: says that it is ready, waits for a line, migrates, and says how many it applied.
const db = openDatabase(JSON.parse(process.argv[2] ?? '') as DatabaseConfig);
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
process.stdin.unref();
try {
  const { applied } = await migrate(db, { log: silentLog, pollMs: 20 });
  process.stdout.write(`${applied.length}\n`);
} finally {
  await db.close();
}
