import { seededRandom, type Random } from '../../src/simulator/random.js';
import { plainKinds } from '../../src/simulator/random-scenario.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import type { WorldOptions } from './run-world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** What sort of world a seed is of, and how it is watched. */
export interface Family {
  title: string;
  options: WorldOptions;
}

/** Blocks of minutes to hours in which the manager is down, over about `share` of the time. */
export function downBlocks(scenario: Scenario, days: number, share: number): { from: number; to: number }[] {
  const random = seededRandom(scenario.seed * 31 + 7);
  const blocks: { from: number; to: number }[] = [];
  const endAt = scenario.beganAt + days * DAY_MS;
  for (let at = scenario.beganAt + 30 * MINUTE_MS; at < endAt;) {
    const lastsMs = Math.round(
      random.chance(0.6) ? random.between(3, 30) * MINUTE_MS : random.between(30, 240) * MINUTE_MS,
    );
    const upMs = (lastsMs * (1 - share)) / share;
    at += Math.round(upMs * (0.5 + random.next()));
    blocks.push({ from: Math.min(at, endAt), to: Math.min(at + lastsMs, endAt) });
    at += lastsMs;
  }
  return blocks;
}

/** The family of a seed: every seed is of all kinds of events unless it is one of the plain fifth; the rest is thrown by the seed. */
export function familyOf(seed: number, days = 0.5): Family {
  const random = seededRandom(seed * 7919 + 13);
  const words: string[] = [];
  const told = <T>(word: string, value: T): T => {
    if (word !== '') words.push(word);
    return value;
  };
  const isPlain = random.chance(0.2);
  const options: WorldOptions = {
    days,
    nodes: random.pick([1, 2, 2, 3, 3]),
    guests: random.between(3, 8),
    ...(isPlain ? told('plain', { kinds: plainKinds }) : told('all kinds', {})),
    ...(random.chance(0.4) ? told('faults', { faults: true }) : {}),
    ...(random.chance(0.35) ? told('manager down', { down: (s: Scenario) => downBlocks(s, days, 0.1) }) : {}),
    ...interval(random, told),
    ...(random.chance(0.2) ? told('slow line', { tripMs: random.between(50, 400) }) : {}),
    ...(random.chance(0.2) ? told('clocks agree', { clocks: false }) : {}),
    ...(random.chance(0.25)
      ? told('first seen late', { firstPollMs: Math.round(random.between(1, 6) * HOUR_MS * Math.min(1, 2 * days)) })
      : {}),
    ...(random.chance(0.2) ? told('busy', { eventsPerGuestDay: 30 }) : {}),
    ...(random.chance(0.2) ? told('young nodes', { maxUptimeDays: 1 }) : {}),
  };
  // A log of some twenty minutes: where the manager is down for longer, part of it is lost. Seen late, its worlds begin with it.
  const isRotating = random.chance(0.05) && options.firstPollMs === undefined;
  if (isRotating) Object.assign(options, told('rotating logs', { noisePerHour: 3_000 }));
  return { title: words.join(', '), options };
}

function interval(random: Random, told: <T>(word: string, value: T) => T): { intervalMs: number } {
  const intervalMs = random.pick([10_000, 30_000, 30_000, 30_000, 60_000]);
  return told(`every ${intervalMs / 1000} s`, { intervalMs });
}
