import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SoakFigures, type WorldTally } from './soak-figures.js';

const HELP = `npm run soak -- [options]: random worlds of all families, one seed after the other; exit code 1 where any was wrong.
  --worlds N     how many seeds (5000)
  --seed S       the first of them (1)
  --minutes M    ends after M minutes, with what was played until then (180)
  --processes N  how many processes share them (one per core)
  --write        writes docs/soak.md`;

interface Options {
  worlds: number;
  seed: number;
  minutes: number;
  processes: number;
  isWritten: boolean;
}

function usage(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

function optionsOf(args: string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { worlds: text, seed: text, minutes: text, processes: text, write: flag, help: flag };
  const values = parsed(() => parseArgs({ args, options }).values);
  if (values.help === true) {
    console.log(HELP);
    process.exit(0);
  }
  return {
    worlds: whole('worlds', values.worlds ?? '5000'),
    seed: whole('seed', values.seed ?? '1'),
    minutes: whole('minutes', values.minutes ?? '180'),
    processes: whole('processes', values.processes ?? String(availableParallelism())),
    isWritten: values.write === true,
  };
}

function parsed<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    return usage(`${error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error)}; see --help.`);
  }
}

function whole(name: string, text: string): number {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : usage(`--${name} ${text}: a whole number from 1 on is wanted.`);
}

const { worlds, seed: first, minutes, processes, isWritten } = optionsOf(process.argv.slice(2));
const endsAt = Date.now() + minutes * 60_000;
const figures = new SoakFigures();

function take(tally: WorldTally): void {
  figures.take(tally);
  if (tally.complaints.length === 0) return;
  console.log(`seed ${tally.seed} (${tally.title}):`);
  for (const line of tally.complaints.slice(0, 5)) console.log(`  ${line.slice(0, 500)}`);
}

/** Plays every `processes`th seed in a process of its own. */
async function shard(k: number): Promise<void> {
  const program = fileURLToPath(new URL('soak-shard.ts', import.meta.url));
  const numbers = [first + k, first + worlds, processes, endsAt].map(String);
  const child = fork(program, numbers, { execArgv: process.execArgv });
  child.on('message', (tally) => take(tally as WorldTally));
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`process ${k + 1} of ${processes} ended with code ${code ?? 'none: it was killed'}`);
}

await Promise.all(Array.from({ length: processes }, (_, k) => shard(k)));

const command = `npm run soak -- --worlds ${worlds} --seed ${first}${isWritten ? ' --write' : ''}`;
const text = [
  '# The ledger over random worlds',
  '',
  `Written by \`${command}\`: seeds ${first} to ${figures.lastSeed}, each a world of half a day of one to three nodes with three to eight`,
  'guests, of the family that the seed throws (`test/fuzz/families.ts`): which events, faults of the line, how often it is polled, the',
  'manager down, first seen late. The same seeds give the same worlds.',
  '',
  ...figures.lines(),
  '',
].join('\n');
console.log(text);
if (isWritten) writeFileSync(new URL('../docs/soak.md', import.meta.url), text);
process.exitCode = figures.failing.length === 0 ? 0 : 1;
