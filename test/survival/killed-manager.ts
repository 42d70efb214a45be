import { readFileSync, writeSync } from 'node:fs';
import { openDatabase } from '../../src/ledger/database.js';
import type { DatabaseConfig } from '../../src/config/config.js';
import type { Recording } from './recorded-polls.js';
import { ReplayingManager } from './replay.js';
import { StatementFaults } from './statement-faults.js';

/** What the killer hands to a manager, as JSON in the first argument. */
export interface Doom {
  config: DatabaseConfig;
  /** A file with the recording. */
  recording: string;
  /** The statement, counted from 0, at which the line `now` is said; null: none. */
  statement: number | null;
  /** True: it waits there for its end; false: it goes on while the signal is on its way. */
  isHeld: boolean;
}

/** A manager in a process of its own that goes on with a recording where the database says it stands, until it is killed or done. */
async function run({ config, recording, statement, isHeld }: Doom): Promise<void> {
  const series = JSON.parse(readFileSync(recording, 'utf8')) as Recording;
  const statements = new StatementFaults();
  statements.onStatement = (k) => {
    if (k !== statement) return;
    writeSync(1, 'now\n');
    // Nothing in this process moves any more: the signal finds it between two statements.
    if (isHeld) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  };
  const db = statements.watch(openDatabase(config));
  const manager = await ReplayingManager.start(db, series);
  for (let k = await ReplayingManager.appliedCount(db); k < series.polls.length; k += 1) await manager.apply(k);
  await db.close();
  writeSync(1, `done ${statements.count}\n`);
}

await run(JSON.parse(process.argv[2] ?? '{}') as Doom);
