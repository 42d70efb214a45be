import { expect } from 'chai';
import type { DatabaseConfig } from '../../src/config/config.js';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { forEachDatabase } from '../support/databases.js';
import { differences, emptyLedger, ledgerContent, type LedgerContent } from './ledger-content.js';
import type { Recording } from './recorded-polls.js';
import { ReplayingManager } from './replay.js';
import { shortSeries } from './short-series.js';
import { StatementFaults, type Strike } from './statement-faults.js';

/** One way in which a fault meets a manager. */
interface Trial {
  when: Strike['when'];
  aftermath: 'goes on' | 'starts anew';
  /** Polls that are written in one transaction. */
  together: number;
}

const trials: readonly Trial[] = [
  { when: 'before', aftermath: 'goes on', together: 1 },
  { when: 'after', aftermath: 'goes on', together: 2 },
  { when: 'before', aftermath: 'starts anew', together: 2 },
  { when: 'after', aftermath: 'starts anew', together: 1 },
];

forEachDatabase((name, _open, fresh) => {
  describe('a fault at any statement of the write path', function () {
    this.timeout(180_000);
    let series: Recording;
    const told: string[] = [];
    const open: Database[] = [];

    let config: DatabaseConfig;

    before(async () => {
      series = await shortSeries();
      config = await fresh.migrated();
    });

    afterEach(async () => {
      for (const db of open.splice(0)) await db.close();
    });

    after(() => process.stdout.write(`      ${name}: ${told.join('; ')}\n`));

    const opened = (config: DatabaseConfig, faults: StatementFaults): Database => {
      const db = faults.watch(openDatabase(config));
      open.push(db);
      return db;
    };

    const closed = async (db: Database): Promise<void> => {
      open.splice(open.indexOf(db), 1);
      await db.close();
    };

    /** The ledger before the first transaction and after each, and the statements of each, when nothing fails. */
    async function undisturbed(together: number): Promise<{ contents: LedgerContent[]; counts: number[] }> {
      const faults = new StatementFaults();
      const db = opened(config, faults);
      await emptyLedger(db);
      const manager = await ReplayingManager.start(db, series);
      const contents = [await ledgerContent(db)];
      const counts: number[] = [];
      for (let k = 0; k < series.polls.length; k += together) {
        faults.arm(null);
        await manager.apply(k, together);
        counts.push(faults.count);
        contents.push(await ledgerContent(db));
      }
      await closed(db);
      return { contents, counts };
    }

    for (const trial of trials) {
      const { when, aftermath, together } = trial;
      it(`changes nothing where it strikes ${when} the statement took effect and the manager ${aftermath}, ${together} at a time`, async () => {
        const { contents, counts } = await undisturbed(together);
        let strikeCount = 0;
        // Run after run, the n-th statement of each transaction that has so many.
        for (let statement = 0; statement < Math.max(...counts); statement += 1) {
          const faults = new StatementFaults();
          let db = opened(config, faults);
          await emptyLedger(db);
          let manager = await ReplayingManager.start(db, series);
          const last = counts.findLastIndex((count) => count > statement);
          for (let k = 0; k <= last; k += 1) {
            faults.arm({ statement, when });
            const failure = await failureOf(manager.apply(k * together, together));
            const { struck } = faults;
            faults.arm(null);
            if (struck !== null) {
              strikeCount += 1;
              // A transaction is in the ledger as a whole or not at all.
              const content = await ledgerContent(db);
              const isWritten = content['polls']?.length === contents[k + 1]?.['polls']?.length;
              const expected = contents[isWritten ? k + 1 : k] ?? {};
              expect(differences(content, expected), `transaction ${k}: ${struck}`).to.deep.equal([]);
            }
            if (failure === null) continue;
            if (aftermath === 'starts anew') {
              await closed(db);
              db = opened(config, faults);
              manager = await ReplayingManager.start(db, series);
              if ((await ReplayingManager.appliedCount(db)) > k * together) continue;
            }
            await manager.apply(k * together, together);
          }
          const left = differences(await ledgerContent(db), contents[last + 1] ?? {});
          expect(left, `statement ${statement}`).to.deep.equal([]);
          await closed(db);
        }
        // A manager that starts writes the rows of nodes once more, and is struck there too.
        expect(strikeCount).to.be.at.least(counts.reduce((sum, count) => sum + count));
        told.push(`${strikeCount} faults ${when}, ${aftermath}`);
      });
    }

    it('at first contact, in what makes the rows of clusters and nodes, is made good by the next start', async () => {
      const { contents } = await undisturbed(1);
      for (const when of ['before', 'after'] as const) {
        for (let statement = 0; ; statement += 1) {
          const faults = new StatementFaults();
          const db = opened(config, faults);
          await emptyLedger(db);
          faults.arm({ statement, when });
          const failure = await failureOf(ReplayingManager.start(db, series));
          const { struck } = faults;
          faults.arm(null);
          if (struck === null) break;
          expect(failure, struck).not.to.equal(null);
          await ReplayingManager.start(db, series);
          expect(differences(await ledgerContent(db), contents[0] ?? {}), struck).to.deep.equal([]);
          await closed(db);
        }
      }
    });
  });
});

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return null;
  } catch (error) {
    return error;
  }
}
