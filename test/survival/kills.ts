import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DatabaseConfig } from '../../src/config/config.js';
import { openDatabase } from '../../src/ledger/database.js';
import type { Random } from '../../src/simulator/random.js';
import { compiledRoot } from './compiled.js';
import type { Doom } from './killed-manager.js';
import { differences, ledgerContent, type LedgerContent } from './ledger-content.js';
import type { Recording } from './recorded-polls.js';
import { ReplayingManager } from './replay.js';

/** What a life of the series came to: how often its managers were killed, and what differs from the ledger without a kill. */
export interface KilledSeries {
  killCount: number;
  differences: string[];
}

/** The ledger of a series that nobody disturbs. */
export async function undisturbedLedger(config: DatabaseConfig, series: Recording): Promise<LedgerContent> {
  const db = openDatabase(config);
  try {
    const manager = await ReplayingManager.start(db, series);
    for (let k = 0; k < series.polls.length; k += 1) await manager.apply(k);
    return await ledgerContent(db);
  } finally {
    await db.close();
  }
}

/**
 * Lets managers in processes of their own work through the series on one database, each killed with SIGKILL at a statement that
 * `random` throws, until one comes to the end or `maxKills` were killed; then one finishes it undisturbed.
 */
export async function killedSeries(
  config: DatabaseConfig,
  series: Recording,
  expected: LedgerContent,
  { random, maxKills }: { random: Random; maxKills: number },
): Promise<KilledSeries> {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-kills-'));
  try {
    const recording = join(folder, 'series.json');
    writeFileSync(recording, JSON.stringify(series));
    let killCount = 0;
    for (let isDone = false; !isDone;) {
      const isLast = killCount >= maxKills;
      // About as many statements as a start and a poll or two take.
      const statement = isLast ? null : random.between(0, 90);
      isDone = await live({ config, recording, statement, isHeld: random.chance(0.5) });
      if (!isDone) killCount += 1;
    }
    const db = openDatabase(config);
    try {
      return { killCount, differences: differences(await ledgerContent(db), expected) };
    } finally {
      await db.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One manager's life: false where it was killed, true where it came to the end of the series. */
function live(doom: Doom): Promise<boolean> {
  const file = join(compiledRoot(), 'test/survival/killed-manager.js');
  const child = spawn(process.execPath, [file, JSON.stringify(doom)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'now') child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      process.off('exit', end);
      if (signal === 'SIGKILL') resolve(false);
      else if (code === 0) resolve(true);
      else reject(new Error(`a manager ended by itself with ${String(code)}: ${errors}`));
    });
  });
}
