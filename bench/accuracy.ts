import { writeFileSync } from 'node:fs';
import { readOptions, type AccuracyOptions } from './accuracy-options.js';
import { accuracyPage, type MixPair } from './accuracy-page.js';
import { runMix } from './accuracy-run.js';
import { edgeTargets, ratioTargets, type Target } from './accuracy-targets.js';
import { worstOf } from './error-causes.js';

/** How far the ledger is from the truth of random worlds, with the nodes' journals and without, beside a plain poller. */
const MIXES = [
  { title: 'Ends of tasks stamped promptly', short: 'prompt', lateShare: 0, up: [4, 10], down: [8, 30] },
  {
    title: 'One task in five noticed late (up to 10 s)',
    short: 'late',
    lateShare: 0.2,
    up: [3.3, 6.5],
    down: [8, 30],
  },
] as const;

function optionsOrExit(): AccuracyOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

const options = optionsOrExit();
const mixes: MixPair[] = [];
const targets: Target[] = [];
for (const { title, short, lateShare, up: upLeast, down: downLeast } of MIXES) {
  const up = await runMix(options, { lateShare, isDown: false });
  const down = await runMix(options, { lateShare, isDown: true });
  mixes.push({ title, up, down });
  targets.push(...ratioTargets(short, up, [...upLeast]), ...ratioTargets(`${short}, down`, down, [...downLeast]));
  if (lateShare === 0) targets.push(...edgeTargets(short, up));
}
const page = accuracyPage(options, targets, mixes);
process.stdout.write(page);
if (options.isWritten) writeFileSync(new URL('../docs/accuracy.md', import.meta.url), page);
if (options.worst > 0) {
  for (const { title, up, down } of mixes) {
    for (const [name, time] of [
      ['ledger', up.ledger.time],
      ['ledger with the journal', up.journal.time],
      ['ledger, down', down.ledger.time],
      ['ledger with the journal, down', down.journal.time],
    ] as const) {
      process.stdout.write(`\n${title}, ${name}: the sessions with most of the error\n`);
      for (const line of worstOf(time, options.worst)) process.stdout.write(`  ${line}\n`);
    }
  }
}
