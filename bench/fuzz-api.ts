import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openDatabase } from '../src/ledger/database.js';
import { migrate } from '../src/ledger/migrations.js';
import { silentLog } from '../src/log.js';
import { fuzzWeb } from '../test/web/fuzz/fuzz-web.js';

const HELP = `npm run fuzz-api -- [--requests 10000] [--seed 1]

Sends mutated requests, the same for the same seed, to the real web server on an SQLite database of its own. Exit code 1 where an
answer is a 5xx, lacks the security headers, or holds a key, a path, a stack or the words of a database.
`;

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { requests: text, seed: text, help: { type: 'boolean', default: false } } });
const [requests, seed] = [Number(values.requests ?? '10000'), Number(values.seed ?? '1')];

if (values.help || !Number.isInteger(requests) || !Number.isInteger(seed) || requests < 1) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

const folder = mkdtempSync(join(tmpdir(), 'tracker-fuzz-api-'));
const db = openDatabase({ type: 'sqlite', file: join(folder, 'fuzz.sqlite') });
try {
  await migrate(db, { log: silentLog });
  const report = await fuzzWeb(db, { requests, seed });
  const statuses = Object.entries(report.statuses).map(([status, count]) => `${status}: ${count}`);
  const growth = (report.heapGrowthBytes / 2 ** 20).toFixed(1);
  process.stdout.write(`${report.requests} requests, seed ${seed}: ${statuses.join(', ')}\nheap ${growth} MiB more\n`);
  for (const fault of report.faults) process.stdout.write(`FAULT ${fault}\n`);
  process.exitCode = report.faults.length === 0 ? 0 : 1;
} finally {
  await db.close();
  rmSync(folder, { recursive: true, force: true });
}
