import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ApplyCosts } from './apply-poll.js';

/** `npx tsx bench/apply-ratio.ts [another checkout]`: what applying a poll costs here, and there in turns with it. */
const ROUNDS = 2;
const here = fileURLToPath(new URL('..', import.meta.url));
const [there] = process.argv.slice(2);

async function costsOf(root: string, guestCount: number): Promise<ApplyCosts[]> {
  const file = fileURLToPath(new URL('./apply-alone.ts', import.meta.url));
  const child = fork(file, [root, String(guestCount)], { execArgv: ['--import', 'tsx'] });
  const [runs] = (await once(child, 'message')) as [ApplyCosts[]];
  return runs;
}

type Kind = keyof ApplyCosts;

/** Of CPU time the least is nearest to the work itself: what else the machine does can only add to it. */
const best = (runs: readonly ApplyCosts[], kind: Kind): number => Math.min(...runs.map((one) => one[kind].cpuMs));

const ours: ApplyCosts[] = [];
const theirs: ApplyCosts[] = [];
for (let round = 0; round < ROUNDS; round++) {
  ours.push(...(await costsOf(here, 1000)));
  if (there !== undefined) theirs.push(...(await costsOf(there, 1000)));
}
console.log('| applying a poll of 1,000 guests, CPU | here | there | ratio |\n|---|---|---|---|');
for (const kind of ['first', 'idle', 'changed'] as const) {
  const [a, b] = [best(ours, kind), best(theirs, kind)];
  const other = there === undefined ? ' | ' : `${b.toFixed(1)} ms | ${(a / b).toFixed(2)}`;
  console.log(`| ${kind} | ${a.toFixed(1)} ms | ${other} |`);
}
console.log('\n| guests | idle, µs a guest | changed, µs a guest |\n|---|---|---|');
for (const guestCount of [500, 1000, 2000]) {
  const runs = await costsOf(here, guestCount);
  const each = (kind: Kind): string => ((best(runs, kind) * 1000) / guestCount).toFixed(1);
  console.log(`| ${guestCount} | ${each('idle')} | ${each('changed')} |`);
}
