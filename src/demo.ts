import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApp } from './app.js';
import type { Clock } from './clock.js';
import { parseConfig } from './config/load.js';
import { addUser } from './ledger/access.js';
import { inTransaction } from './ledger/database.js';
import { createLog } from './log.js';
import { demoScenario } from './simulator/demo-scenario.js';
import { startSimulator } from './simulator/server.js';

export interface DemoOptions {
  port: number;
  write: (line: string) => void;
}

export interface DemoParts {
  clock: Clock;
  /** Ends it. */
  signal: AbortSignal;
}

/** Simulator, manager and a month of history on a temporary SQLite file, on 127.0.0.1 only, until the signal; prints the login. */
export async function runDemo(options: DemoOptions, { clock, signal }: DemoParts): Promise<void> {
  const { write } = options;
  const folder = mkdtempSync(join(tmpdir(), 'proxmox-tracker-demo-'));
  write('Building a month of history on four simulated nodes ...');
  const simulator = await startSimulator(demoScenario(clock.now()), { clock });
  const text = [
    'database: { type: sqlite, file: tracker.sqlite }',
    `server: { host: 127.0.0.1, port: ${options.port} }`,
    'security: { secret_key_file: secret.key }',
    'polling: { interval_seconds: 10 }',
    'logging: { level: error }',
    simulator.configYaml(),
  ].join('\n');
  const config = parseConfig(text, { file: join(folder, 'config.yaml'), env: {} });
  const app = createApp(config, { clock, log: createLog(config.logging), isDemo: true });
  try {
    const { url } = await app.start();
    const password = randomBytes(9).toString('base64url');
    await inTransaction(app.db, (trx) => addUser(trx, { name: 'admin', password, role: 'admin' }, clock.now()));
    write('');
    write(`  open ${url}`);
    write(`  user admin, password ${password}`);
    write('');
    const report = await app.pollNow({ nodes: null });
    write(
      `${report.nodes.length} nodes are polled, their task logs are read back. Something starts, stops or moves every 20 to 60 seconds.`,
    );
    write('Ctrl-C ends it and removes its data.');
    await stopped(signal);
  } finally {
    await app.stop();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
