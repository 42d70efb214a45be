import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { editsOf, mutated, mutations, type Mutation } from './mutations.js';
import { catchersIn, mutationsPage, type Verdict } from './page.js';

/** Puts one fault after the other into a copy of the sources and lets the worlds judge it; exit code 1 where one is caught by none. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Options {
  only: string;
  worldCount: number;
  isWritten: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      worlds: { type: 'string', default: '30' },
      write: { type: 'boolean', default: false },
    },
  });
  const worldCount = Number(values.worlds);
  if (!Number.isSafeInteger(worldCount) || worldCount < 0) {
    throw new Error(`--worlds ${values.worlds}: give the number of random worlds after the traps, such as 30`);
  }
  if (!mutations.some(({ title }) => title.includes(values.only))) {
    throw new Error(`--only ${values.only}: no fault has this in its title`);
  }
  if (values.write && values.only !== '') throw new Error('--write writes the whole list: leave out --only');
  return { only: values.only, worldCount, isWritten: values.write };
}

function optionsOrExit(): Options {
  try {
    return readOptions();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

/** A copy that faults may be put into, with what the worlds need. */
function copySources(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutations-'));
  for (const part of ['src', 'test/fuzz', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** The first world that the copy tells wrongly, `first` before all others; empty where it tells all right. */
function firstWrong(copy: string, worldCount: number, first = ''): string {
  const script = join(copy, 'test/fuzz/mutations/first-wrong.ts');
  const args = ['--import', 'tsx', script, String(worldCount), first];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the worlds did not run: ${stderr.slice(-500)}`);
  return stdout;
}

function listedCatchers(): Map<string, string> {
  const page = join(root, 'docs/mutations.md');
  return existsSync(page) ? catchersIn(readFileSync(page, 'utf8')) : new Map();
}

function judged(copy: string, mutation: Mutation, worldCount: number): Verdict {
  const sources = editsOf(mutation).map((edit) => {
    const file = join(copy, 'src/core', edit.file);
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, mutated(before, edit));
    return { file, before };
  });
  // The world that caught it the last time most likely catches it again.
  const caughtBy = firstWrong(copy, worldCount, listedCatchers().get(mutation.title));
  for (const { file, before } of sources) writeFileSync(file, before);
  process.stdout.write(`${caughtBy === '' ? 'MISSED' : 'caught'}  ${mutation.title}: ${caughtBy || 'no world'}\n`);
  return { mutation, caughtBy };
}

const { only, worldCount, isWritten } = optionsOrExit();
const copy = copySources();
try {
  const untouched = firstWrong(copy, worldCount);
  if (untouched !== '') throw new Error(`the sources as they are fail already: ${untouched}`);
  const verdicts = mutations
    .filter(({ title }) => title.includes(only))
    .map((mutation) => judged(copy, mutation, worldCount));
  const caughtCount = verdicts.filter(({ caughtBy }) => caughtBy !== '').length;
  process.stdout.write(`${caughtCount} of ${verdicts.length} caught\n`);
  if (isWritten) writeFileSync(join(root, 'docs/mutations.md'), mutationsPage(verdicts, worldCount));
  process.exitCode = caughtCount === verdicts.length ? 0 : 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
