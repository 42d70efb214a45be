import { expect } from 'chai';
import ts from 'typescript';
import { lineOf, nodesOf, readSources, type Source } from './sources.js';

const fileBound = 250;
const functionBound = 60;

describe('the size of the sources', () => {
  const sources = readSources('src', 'migrations');

  it(`is at most ${fileBound} lines a file`, () => {
    const long = sources
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > fileBound)
      .map(({ path, lines }) => `${path} has ${lines} lines`);
    expect(long).to.deep.equal([]);
  });

  it(`is at most ${functionBound} lines a function`, () => {
    expect(sources.flatMap(longFunctions)).to.deep.equal([]);
  });
});

function longFunctions(source: Source): string[] {
  return [...nodesOf(source.tree)].filter(isFunction).flatMap((node) => {
    const first = lineOf(source, node);
    const lines = source.tree.getLineAndCharacterOfPosition(node.getEnd()).line + 2 - first;
    return lines > functionBound ? [`${source.path}:${first} has a function of ${lines} lines`] : [];
  });
}

function isFunction(node: ts.Node): boolean {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}
