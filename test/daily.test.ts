import { expect } from 'chai';
import { dailyWork } from '../src/daily.js';
import { silentLog } from '../src/log.js';
import { forEachDatabase } from './support/databases.js';
import { configWith, HandClock } from './web/api/lab.js';

forEachDatabase((name, open) => {
  describe(`the daily work on ${name}`, () => {
    it('checks the ledger, and begins no check once the manager stops', async () => {
      const db = await open();
      const said: string[] = [];
      const log = { ...silentLog, info: (message: string) => void said.push(message) };
      const isChecked = async (signal: AbortSignal): Promise<boolean> => {
        said.length = 0;
        await dailyWork(db, configWith(), { clock: new HandClock(), log }, signal);
        return said.some((message) => message.startsWith('the ledger was checked'));
      };
      expect(await isChecked(new AbortController().signal)).to.equal(true);
      expect(await isChecked(AbortSignal.abort())).to.equal(false);
    });
  });
});
