import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { editsOf, mutated, mutations } from './mutations/mutations.js';
import { catchersIn } from './mutations/page.js';
import { trapWorlds } from './run-trap.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

describe('the faults that worlds must catch', () => {
  it('are twenty, each of a title of its own', () => {
    expect(new Set(mutations.map(({ title }) => title)).size).to.equal(20);
  });

  for (const mutation of mutations) {
    it(`find their place exactly once, and still are a program: ${mutation.title}`, () => {
      for (const edit of editsOf(mutation)) {
        const source = read(`src/core/${edit.file}`);
        const faulty = mutated(source, edit);
        expect(faulty).to.not.equal(source);
        const { diagnostics } = ts.transpileModule(faulty, { reportDiagnostics: true });
        expect(diagnostics).to.deep.equal([]);
      }
    });
  }

  it('refuse a source in which their place is gone', () => {
    const [first] = mutations;
    expect(() => mutated('', first as (typeof mutations)[number])).to.throw('is not found once');
  });

  it('are all in the list of docs/mutations.md with the world that catches them', () => {
    const catchers = catchersIn(read('docs/mutations.md'));
    const traps = new Set(trapWorlds.map(({ name }) => name));
    for (const { title } of mutations) {
      const caughtBy = catchers.get(title) ?? '';
      expect(traps.has(caughtBy) || caughtBy.startsWith('random world'), `${title}: ${caughtBy}`).to.equal(true);
    }
  });
});
