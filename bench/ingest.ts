import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApp } from '../src/app.js';
import { systemClock } from '../src/clock.js';
import { parseConfig } from '../src/config/load.js';
import { silentLog } from '../src/log.js';

/**
 * Calls of push agents on SQLite with a full sync at each commit: the manager in this process, the agent in a child. Names of
 * cases (unchanged, changed, single, many, pages) choose some of them.
 */
const KEY = 'the-key-of-the-ingest-bench-0123456789ab';

const folder = mkdtempSync(join(tmpdir(), 'tracker-ingest-'));
const text = [
  'database: { type: sqlite, file: tracker.sqlite }',
  'server: { host: 127.0.0.1, port: 0 }',
  `security: { api_key: ${KEY}, api_key_scopes: [ingest, read] }`,
].join('\n');
const config = parseConfig(text, { file: join(folder, 'config.yaml'), env: {} });
const app = createApp(config, { clock: systemClock, log: silentLog });
try {
  const { url } = await app.start();
  const client = fileURLToPath(new URL('agent-calls.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', client, url, KEY, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // The client asks how much CPU time the manager has used so far, in ms.
  child.on('message', () => {
    const { user, system } = process.cpuUsage();
    child.send((user + system) / 1000);
  });
  process.exitCode = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? 1)));
} finally {
  await app.stop();
  rmSync(folder, { recursive: true, force: true });
}
