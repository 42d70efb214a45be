import { parseArgs } from 'node:util';
import { familyOf } from '../test/fuzz/families.js';
import { complaints, runWorld } from '../test/fuzz/run-world.js';

/** Random worlds of all families, one seed after the other, until their number or the time is reached; exit code 1 where any was wrong. */
const { values } = parseArgs({
  options: {
    worlds: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '180' },
  },
});
const [worlds, first, minutes] = [values.worlds, values.seed, values.minutes].map(Number) as [number, number, number];
const until = process.hrtime.bigint() + BigInt(Math.round(minutes * 60e9));

let [worldCount, edgeCount, withinCount] = [0, 0, 0];
const failing: number[] = [];
const widths = new Map<string, number[]>();

for (let seed = first; seed < first + worlds && process.hrtime.bigint() < until; seed += 1) {
  const { title, options } = familyOf(seed);
  const run = await runWorld(seed, options);
  const wrong = complaints(run);
  worldCount += 1;
  edgeCount += run.report.boundaryErrors.length;
  withinCount += run.report.boundaryErrors.length - run.report.outOfBounds.length;
  for (const { edge, kind, widthMs } of run.report.boundaryErrors) {
    const name = `${edge} by ${kind}`;
    if (widthMs !== null) widths.set(name, [...(widths.get(name) ?? []), widthMs].slice(-5000));
  }
  if (wrong.length === 0) continue;
  failing.push(seed);
  console.log(`seed ${seed} (${title}):`);
  for (const line of wrong.slice(0, 5)) console.log(`  ${line.slice(0, 500)}`);
}

console.log(`${worldCount} worlds, ${edgeCount} boundaries, ${withinCount} of them within their bounds`);
for (const [name, list] of [...widths].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const sorted = list.toSorted((a, b) => a - b);
  console.log(`  ${name}: median width ${((sorted[Math.floor(sorted.length / 2)] ?? 0) / 1000).toFixed(2)} s`);
}
console.log(failing.length === 0 ? 'all clean' : `failing seeds: ${failing.join(' ')}`);
process.exitCode = failing.length === 0 ? 0 : 1;
