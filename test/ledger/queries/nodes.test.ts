import { expect } from 'chai';
import { rowsOf, type Database } from '../../../src/ledger/database.js';
import { countEvents, listNodes } from '../../../src/ledger/queries/nodes.js';
import { forEachDatabase } from '../../support/databases.js';
import { seed, type Seed } from '../../web/api/seed.js';

forEachDatabase((name, open) => {
  describe(`the list of nodes on ${name}`, () => {
    let db: Database;
    let ids: Seed;
    before(async () => {
      db = await open();
      ids = await seed(db);
    });

    const asked = async (work: () => Promise<unknown>): Promise<string[]> => {
      const queries: string[] = [];
      const note = ({ sql }: { sql: string }): void => void queries.push(sql);
      db.reader.on('query', note);
      await work();
      db.reader.removeListener('query', note);
      return queries;
    };

    it('reads nothing that grows with the log of tasks, which pages ask for every few seconds', async () => {
      const queries = await asked(() => listNodes(db.reader, { includeRemoved: true }));
      expect(queries.join('\n')).to.contain('`nodes`').and.not.to.contain('`tasks`');
    });

    it('has the number of a node’s tasks counted apart, from an index alone', async () => {
      const { one, two } = ids.nodes;
      const [sql] = await asked(async () => {
        expect([...(await countEvents(db.reader, [one, two]))]).to.deep.equal([
          [one, 1],
          [two, 0],
        ]);
      });
      const explain = name === 'SQLite' ? 'EXPLAIN QUERY PLAN ' : 'EXPLAIN ';
      const plan = JSON.stringify(rowsOf(await db.reader.raw(explain + (sql ?? ''), [one, two])));
      expect(plan).to.match(name === 'SQLite' ? /COVERING INDEX/ : /Using index/);
    });
  });
});
