import { familyOf } from '../families.js';
import { runTrap, trapWorlds } from '../run-trap.js';
import { complaints, runWorld, type WorldRun } from '../run-world.js';

/**
 * Prints the first of the trap worlds and of random ones that the sources beside it tell wrongly; nothing where they tell all
 * right. Its arguments: the number of random worlds, and the name of a world to begin with.
 */
const DAYS = 0.25;

interface NamedWorld {
  name: string;
  run: () => Promise<WorldRun>;
}

function worldsWith(first: string, randomCount: number): NamedWorld[] {
  const traps = trapWorlds.map((scenario) => ({ name: scenario.name, run: () => runTrap(scenario) }));
  const randoms = Array.from({ length: randomCount }, (_, k) => ({
    name: `random world ${k + 1}`,
    run: () => runWorld(k + 1, familyOf(k + 1, DAYS).options),
  }));
  const all = [...traps, ...randoms];
  return [...all.filter(({ name }) => name === first), ...all.filter(({ name }) => name !== first)];
}

async function firstWrong(worlds: readonly NamedWorld[]): Promise<string> {
  for (const { name, run } of worlds) if (complaints(await run()).length > 0) return name;
  return '';
}

const [randomCount, first = ''] = process.argv.slice(2);
try {
  process.stdout.write(await firstWrong(worldsWith(first, Number(randomCount))));
} catch (error) {
  process.stdout.write(`thrown: ${error instanceof Error ? error.message : String(error)}`);
}
