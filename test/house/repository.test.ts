import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../src/package-root.js';

const read = (path: string): string => readFileSync(join(packageRoot, path), 'utf8');

describe('the repository', () => {
  it('begins its README with two commands of one line each', function () {
    if (!existsSync(join(packageRoot, 'README.md'))) this.skip();
    const top = read('README.md').split('\n').slice(0, 80).join('\n');
    const blocks = [...top.matchAll(/^```sh\n(.*?)\n```$/gms)].map(([, body]) => body ?? '');
    expect(blocks).to.have.length(2);
    blocks.forEach((block) => expect(block.trim().split('\n'), block).to.have.length(1));
  });

  it('locks packages without saying from where they came', () => {
    expect(read('package-lock.json')).not.to.match(/"resolved": *"https?:/);
  });

  it('names no folder of the machine on which it was written', function () {
    const files = trackedFiles();
    if (files === null) this.skip();
    const own = [packageRoot, homedir()].filter((folder) => folder.split('/').length > 2).map((folder) => `${folder}/`);
    // Written in two parts, so that this line is no finding of its own.
    const home = new RegExp(`(?<![\\w./-])/${'(?:home|Users)'}/[a-z][\\w-]*/`);
    const found = files.filter((file) => {
      const text = read(file);
      return home.test(text) || own.some((folder) => text.includes(folder));
    });
    expect(found).to.deep.equal([]);
  });

  it('holds no escape from the compiler or the linter, and nothing left for later', function () {
    const files = trackedFiles()?.filter((file) => /\.(ts|js|cjs)$/.test(file));
    if (files === undefined) this.skip();
    const marks = [
      '@ts-' + 'ignore',
      '@ts-' + 'nocheck',
      'eslint-' + 'disable',
      'as ' + 'any',
      'TO' + 'DO',
      'FIX' + 'ME',
    ];
    const found = files.flatMap((file) => {
      const text = read(file);
      return marks.filter((mark) => text.includes(mark)).map((mark) => `${file}: ${mark}`);
    });
    expect(found).to.deep.equal([]);
  });
});

/** Text files that git tracks and that are there; null outside a checkout. */
function trackedFiles(): string[] | null {
  if (!existsSync(join(packageRoot, '.git'))) return null;
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: packageRoot, encoding: 'utf8' });
  return listed
    .split('\0')
    .filter(
      (file) =>
        /\.[a-z]+$|^[^.]+$/.test(file) && !/\.(png|ico|woff2?)$/.test(file) && existsSync(join(packageRoot, file)),
    );
}
