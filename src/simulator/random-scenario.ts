import { Engine } from './engine.js';
import { happen } from './flows.js';
import { seededRandom, type Random } from './random.js';
import { randomFaults } from './random-faults.js';
import { randomPauses } from './random-pauses.js';
import { possibleEvent } from './random-event.js';
import { labToken } from './lab-scenario.js';
import {
  type EventKind,
  type Scenario,
  type ScenarioCluster,
  type ScenarioEvent,
  type ScenarioGuest,
  type ScenarioNode,
} from './scenario.js';

const dayMs = 86_400_000;
const gib = 2 ** 30;

export interface RandomOptions {
  days: number;
  nodes: number;
  guests: number;
  /** Faults of the way between manager and nodes, over about a tenth of the time. Default false. */
  faults?: boolean;
  /** Many more pauses of VMs, and some that no task logs. Default false. */
  pauses?: boolean;
  /** What may happen; all kinds when left out. */
  kinds?: ReadonlySet<EventKind>;
  beganAt?: number;
  /** Events per guest and day. Default 8. */
  eventsPerGuestDay?: number;
  /** Share of tasks whose end is noticed late. Default 0.2. */
  lateShare?: number;
  /** Wrong, drifting (up to 100 ppm) and stepping clocks. Default true. */
  clocks?: boolean;
  /** How long the nodes may have been up at the beginning. Default 200 days. */
  maxUptimeDays?: number;
  /** Tasks an hour and node that touch no guest: some thousands let the log rotate within the hour. Default 0. */
  noisePerHour?: number;
}

/** The kinds that need no more than the plain rules: starts, stops, and what ends a guest without a task. */
export const plainKinds: ReadonlySet<EventKind> = new Set<EventKind>([
  'start',
  'stop',
  'shutdown',
  'reboot',
  'poweroff',
  'crash',
  'node_reboot',
  'node_crash',
  'noise',
]);

/** A random world of events that were possible when they happened; the same for the same seed and options. */
export function randomScenario(seed: number, options: RandomOptions): Scenario {
  const random = seededRandom(seed);
  const beganAt = options.beganAt ?? Date.UTC(2026, 0, 1) + random.between(0, 86_399_999);
  const base: Scenario = {
    name: `random-${seed}`,
    seed,
    beganAt,
    clusters: randomClusters(random, beganAt, options),
    events: [],
    faults: [],
  };
  const events = randomEvents(base, random, options);
  const faults = options.faults === true ? randomFaults(base, random, beganAt + options.days * dayMs) : [];
  const noise = options.noisePerHour === undefined ? [] : noiseOf(base, options.noisePerHour, options.days);
  const pauses = options.pauses === true ? randomPauses(base, random, beganAt + options.days * dayMs) : [];
  return { ...base, events: [...events, ...noise, ...pauses].sort((a, b) => a.at - b.at), faults };
}

/** As a node makes them that a console program or a script asks for tickets every few seconds, told once a minute. */
function noiseOf({ clusters, beganAt }: Scenario, perHour: number, days: number): ScenarioEvent[] {
  const minuteMs = 60_000;
  const count = Math.max(1, Math.round(perHour / 60));
  return clusters.flatMap(({ nodes }) =>
    nodes.flatMap(({ name }, k) =>
      Array.from({ length: Math.floor((days * dayMs) / minuteMs) }, (_, minute): ScenarioEvent => {
        const at = beganAt + minute * minuteMs + 7_000 + k * 1_300;
        return { at, kind: 'noise', node: name, type: minute % 5 === 0 ? 'aptupdate' : 'vncproxy', count };
      }),
    ),
  );
}

/** Plays the world while inventing it: each event is chosen by the state that it meets. */
function randomEvents(base: Scenario, random: Random, options: RandomOptions): ScenarioEvent[] {
  const engine = new Engine(base);
  const events: ScenarioEvent[] = [];
  const endAt = base.beganAt + options.days * dayMs;
  const perDay = options.guests * (options.eventsPerGuestDay ?? 8);
  let at = base.beganAt;
  for (;;) {
    // Gaps between events are exponential, with bursts: one in five follows within seconds.
    const gapMs = random.chance(0.2) ? random.between(50, 15_000) : -Math.log(1 - random.next()) * (dayMs / perDay);
    at = Math.floor(at + gapMs) + 1;
    if (at >= endAt) return events;
    engine.advance(at - 1);
    const event = possibleEvent(engine, random, at, options.kinds ?? null);
    if (event === null) continue;
    if (random.chance(options.lateShare ?? 0.2)) event.isNoticedLate = true;
    events.push(event);
    engine.enter(at, () => happen(engine, event));
    engine.advance(at);
  }
}

function randomClusters(random: Random, beganAt: number, options: RandomOptions): ScenarioCluster[] {
  const isStandalone = options.nodes === 1;
  const nodes = Array.from({ length: options.nodes }, (_, index) => randomNode(random, beganAt, index, options));
  const version = random.pick(['7.4', '8.4', '9.2'] as const);
  const cluster: ScenarioCluster = {
    name: isStandalone ? null : 'world',
    version,
    nodes,
    guests: [],
    tokens: [labToken()],
  };
  for (let index = 0; index < options.guests; index += 1) {
    cluster.guests.push(randomGuest(random, beganAt, 100 + index, random.pick(nodes)));
  }
  const hasNeighbour = options.kinds === undefined || options.kinds.has('remote_migrate');
  if (!hasNeighbour || !random.chance(0.3)) return [cluster];
  // A second, standalone installation with guests of its own, for remote migration.
  const far = randomNode(random, beganAt, 90, options);
  const farGuest = randomGuest(random, beganAt, 100, far);
  return [cluster, { name: null, version, nodes: [far], guests: [farGuest], tokens: [labToken()] }];
}

function randomNode(random: Random, beganAt: number, index: number, options: RandomOptions): ScenarioNode {
  const bootedAt = beganAt - random.between(60_000, (options.maxUptimeDays ?? 200) * dayMs);
  const name = `n${index + 1}`;
  if (options.clocks === false || random.chance(0.4)) return { name, bootedAt };
  const hasDrift = random.chance(0.5);
  const steps = random.chance(0.3)
    ? [{ at: beganAt + random.between(0, options.days * dayMs), byMs: random.between(-5000, 5000) }]
    : [];
  const offsetMs = random.between(-4000, 4000);
  // A clock that runs off is one that nothing holds: it gains where it is ahead, and is far off already.
  const clock = hasDrift
    ? { offsetMs: offsetMs + Math.sign(offsetMs) * 1000, driftPpm: Math.sign(offsetMs) * random.between(0, 100), steps }
    : { offsetMs, driftPpm: 0, steps };
  return { name, bootedAt, clock };
}

function randomGuest(random: Random, beganAt: number, vmid: number, node: ScenarioNode): ScenarioGuest {
  const type = random.chance(0.6) ? 'qemu' : 'lxc';
  const upMs = beganAt - node.bootedAt;
  return {
    vmid,
    type,
    name: `${type === 'qemu' ? 'vm' : 'ct'}-${vmid}`,
    node: node.name,
    cores: random.pick([1, 2, 4, 8]),
    memoryBytes: random.pick([1, 2, 4, 16]) * gib,
    runningSince: random.chance(0.5) ? beganAt - Math.floor(random.next() * upMs * 0.99) : null,
    createdAt: beganAt - random.between(0, 400 * dayMs),
    isOnBoot: random.chance(0.6),
    isHa: random.chance(0.15),
  };
}
