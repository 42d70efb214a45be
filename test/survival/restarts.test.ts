import { expect } from 'chai';
import { openDatabase } from '../../src/ledger/database.js';
import { trapScenarios } from '../../src/simulator/scenarios.js';
import { forEachDatabase } from '../support/databases.js';
import { undisturbedLedger } from './kills.js';
import { differences, ledgerContent } from './ledger-content.js';
import { recordPolls, type Recording } from './recorded-polls.js';
import { ReplayingManager } from './replay.js';
import { shortSeries } from './short-series.js';

const INTERVAL_MS = 30_000;
const BEGAN_AT = Date.UTC(2026, 9, 5, 12);

/** Ten minutes of a trap's world, from a minute after its beginning. */
function trapSeries(name: string): Promise<Recording> {
  const scenario = trapScenarios(BEGAN_AT).find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  const from = BEGAN_AT + 60_000;
  const rounds = Array.from({ length: 20 }, (_, k) => from + k * INTERVAL_MS);
  return recordPolls(scenario, { from, rounds, intervalMs: INTERVAL_MS });
}

forEachDatabase((_name, _open, fresh) => {
  describe('a manager that is started anew before each poll', function () {
    this.timeout(120_000);
    const series: [title: string, record: () => Promise<Recording>][] = [
      ['the short series', shortSeries],
      // While a backup runs, its task is known and not finished: the log has lost nothing.
      ['a backup of a stopped VM', () => trapSeries('trap-01-backup-of-a-stopped-vm')],
      ['a VM that moves to a cluster out of sight', () => trapSeries('trap-20-remote-migration')],
    ];
    for (const [title, record] of series) {
      it(`leaves the ledger that one leaves which runs on: ${title}`, async () => {
        const recording = await record();
        const expected = await undisturbedLedger(await fresh.migrated(), recording);
        const db = openDatabase(await fresh.migrated());
        try {
          for (let k = 0; k < recording.polls.length; k += 1) {
            await (await ReplayingManager.start(db, recording)).apply(k);
          }
          expect(differences(await ledgerContent(db), expected)).to.deep.equal([]);
        } finally {
          await db.close();
        }
      });
    }

    it('finds no hole in a log whose only task still runs', async () => {
      const recording = await trapSeries('trap-01-backup-of-a-stopped-vm');
      const { gaps } = await undisturbedLedger(await fresh.migrated(), recording);
      expect(gaps).to.deep.equal([]);
    });
  });
});
