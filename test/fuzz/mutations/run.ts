import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mutations, type Mutation } from './mutations.js';

/** Puts each fault into a copy of the sources and lets the worlds judge it; exit code 1 where one is caught by none. */
const root = fileURLToPath(new URL('../../../', import.meta.url));

function judged(mutation: Mutation | null): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutation-'));
  try {
    for (const part of ['src', 'test/fuzz', 'package.json', 'tsconfig.json']) {
      cpSync(join(root, part), join(copy, part), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    if (mutation !== null) mutate(join(copy, 'src/core', mutation.file), mutation);
    const script = join(copy, 'test/fuzz/mutations/first-wrong.ts');
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', script], {
      cwd: copy,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`the worlds did not run: ${stderr.slice(-500)}`);
    return stdout;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function mutate(file: string, { title, find, replace }: Mutation): void {
  const before = readFileSync(file, 'utf8');
  if (before.split(find).length !== 2) throw new Error(`"${title}": its place is not found once in ${file}`);
  writeFileSync(
    file,
    before.replace(find, () => replace),
  );
}

const untouched = judged(null);
if (untouched !== '') throw new Error(`the sources as they are fail already: ${untouched}`);
let missedCount = 0;
for (const mutation of mutations) {
  const caughtBy = judged(mutation);
  if (caughtBy === '') missedCount += 1;
  const verdict = caughtBy === '' ? 'MISSED' : 'caught';
  process.stdout.write(`${verdict}  ${mutation.title}: ${caughtBy === '' ? 'no world' : caughtBy}\n`);
}
process.exitCode = missedCount === 0 ? 0 : 1;
