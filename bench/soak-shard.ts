import { familyOf } from '../test/fuzz/families.js';
import { complaints, runWorld } from '../test/fuzz/run-world.js';
import { tallyOf } from './soak-figures.js';

/** One of the processes of the soak: plays every `step`th seed from `first` on and sends each world's tally to its parent. */
const [first = 1, until = 1, step = 1, endsAt = 0] = process.argv.slice(2).map(Number);
for (let seed = first; seed < until && Date.now() < endsAt; seed += step) {
  const { title, options } = familyOf(seed);
  const run = await runWorld(seed, options);
  process.send?.(tallyOf(seed, title, run, complaints(run)));
}
process.disconnect();
