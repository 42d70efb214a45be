import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { familyOf } from '../test/fuzz/families.js';
import { complaints, runWorld } from '../test/fuzz/run-world.js';
import { SoakFigures } from './soak-figures.js';

const HELP = `npm run soak -- [options]: random worlds of all families, one seed after the other; exit code 1 where any was wrong.
  --worlds N    how many seeds (5000)
  --seed S      the first of them (1)
  --minutes M   ends after M minutes, with what was played until then (180)
  --shards K/N  only every Nth seed, from the Kth on: so that N processes share them
  --write       writes docs/soak.md`;

interface Options {
  worlds: number;
  seed: number;
  minutes: number;
  shard: { k: number; n: number };
  isWritten: boolean;
}

function usage(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

function optionsOf(args: string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = { worlds: text, seed: text, minutes: text, shards: text, write: flag, help: flag };
  const values = parsed(() => parseArgs({ args, options }).values);
  if (values.help === true) {
    console.log(HELP);
    process.exit(0);
  }
  const shard = /^([1-9]\d*)\/([1-9]\d*)$/.exec(values.shards ?? '1/1');
  const [k, n] = [Number(shard?.[1]), Number(shard?.[2])];
  if (!(k <= n)) usage(`--shards ${values.shards ?? ''}: say which of how many, such as 1/2.`);
  const isWritten = values.write === true;
  if (isWritten && n > 1) usage('--write tells of all the seeds: leave out --shards.');
  return {
    worlds: whole('worlds', values.worlds ?? '5000'),
    seed: whole('seed', values.seed ?? '1'),
    minutes: whole('minutes', values.minutes ?? '180'),
    shard: { k, n },
    isWritten,
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

const { worlds, seed: first, minutes, shard, isWritten } = optionsOf(process.argv.slice(2));
const until = process.hrtime.bigint() + BigInt(minutes * 60e9);
const figures = new SoakFigures();
let last = first;
for (let seed = first + shard.k - 1; seed < first + worlds && process.hrtime.bigint() < until; seed += shard.n) {
  const { title, options } = familyOf(seed);
  const run = await runWorld(seed, options);
  const wrong = complaints(run);
  figures.take(seed, run, wrong.length > 0);
  last = seed;
  if (wrong.length === 0) continue;
  console.log(`seed ${seed} (${title}):`);
  for (const line of wrong.slice(0, 5)) console.log(`  ${line.slice(0, 500)}`);
}

const command = `npm run soak -- --worlds ${worlds} --seed ${first}${shard.n > 1 ? ` --shards ${shard.k}/${shard.n}` : ''}`;
const text = [
  '# The ledger over random worlds',
  '',
  `Written by \`${command}${isWritten ? ' --write' : ''}\`: seeds ${first} to ${last}, each a world of half a day of one to three nodes with three to eight`,
  'guests, of the family that the seed throws (`test/fuzz/families.ts`): which events, faults of the line, how often it is polled, the',
  'manager down, first seen late. The same seeds give the same worlds.',
  '',
  ...figures.lines(),
  '',
].join('\n');
console.log(text);
if (isWritten) writeFileSync(new URL('../docs/soak.md', import.meta.url), text);
process.exitCode = figures.failing.length === 0 ? 0 : 1;
