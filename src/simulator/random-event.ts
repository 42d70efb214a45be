import type { Engine } from './engine.js';
import { isAwake } from './flows-inside.js';
import type { GuestLife } from './life.js';
import type { Random } from './random.js';
import { makeEvent } from './random-makers.js';
import type { EventKind, ScenarioEvent } from './scenario.js';

/** How often a kind is chosen among those that are possible. */
const weights: Readonly<Record<EventKind, number>> = {
  start: 30,
  stop: 8,
  shutdown: 14,
  reboot: 6,
  poweroff: 10,
  crash: 3,
  guest_reboot: 4,
  reset: 2,
  pause: 2,
  resume: 6,
  suspend_to_disk: 2,
  migrate: 8,
  remote_migrate: 1,
  snapshot: 2,
  delete_snapshot: 1,
  rollback: 2,
  destroy: 3,
  clone: 1,
  template: 0.1,
  change: 2,
  unlock: 20,
  ha_start: 6,
  ha_stop: 4,
  ha_relocate: 2,
  create: 2,
  restore: 2,
  backup: 6,
  node_crash: 0.3,
  node_reboot: 0.4,
  start_all: 0.3,
  stop_all: 0.3,
  noise: 4,
  reinstall: 0,
  halt: 0,
};

/** An event that is possible now, by weight; null when the dice met a node that is down. A few are ill-timed on purpose and fail as they would. */
export function possibleEvent(
  engine: Engine,
  random: Random,
  at: number,
  kinds: ReadonlySet<EventKind> | null,
): ScenarioEvent | null {
  const machines = [...engine.machines.values()];
  const machine = random.pick(machines);
  if (!machine.isUpAt(at)) return null;
  const guests = machine.guests;
  const life = guests.length === 0 ? null : random.pick(guests);
  const candidates = [...nodeKinds(life), ...(life === null ? [] : guestKinds(life, random))].filter(
    (kind) => kinds === null || kinds.has(kind),
  );
  if (candidates.length === 0) return null;
  const kind = weighted(random, candidates);
  const others = machines.filter((other) => other.cluster === machine.cluster && other !== machine && other.isUpAt(at));
  return makeEvent(kind, { engine, random, at, machine, life, others });
}

function weighted(random: Random, kinds: readonly EventKind[]): EventKind {
  let left = random.next() * kinds.reduce((sum, kind) => sum + weights[kind], 0);
  for (const kind of kinds) {
    left -= weights[kind];
    if (left < 0) return kind;
  }
  return kinds[kinds.length - 1] as EventKind;
}

function nodeKinds(life: GuestLife | null): EventKind[] {
  const kinds: EventKind[] = ['noise', 'create', 'node_crash', 'node_reboot'];
  if (life !== null) kinds.push('backup', 'start_all', 'stop_all');
  if (life !== null && life.state.process === null) kinds.push('restore');
  return kinds;
}

/** What could be done to a guest in its state. */
function guestKinds(life: GuestLife, random: Random): EventKind[] {
  const { lock, process, qmpStatus, settings } = life.state;
  if (life.isHeld) return isAwake(life) ? ['poweroff', 'crash'] : [];
  if (lock === 'backup')
    return process === null ? [] : qmpStatus === 'running' ? ['poweroff', 'crash', 'guest_reboot'] : ['start'];
  if (lock === 'suspended') return ['start', 'resume'];
  if (lock !== null) return ['unlock'];
  if (settings.isTemplate) return ['clone', 'destroy'];
  if (process === null) {
    const kinds: EventKind[] = [
      'start',
      'migrate',
      'remote_migrate',
      'snapshot',
      'rollback',
      'destroy',
      'clone',
      'change',
      'template',
    ];
    if (settings.isHa) kinds.push('ha_start', 'ha_relocate');
    // Ill-timed, or of a container dumped by vzsuspend.
    if (life.type === 'lxc' ? life.sessions.at(-1)?.endedHow === 'suspend' : random.chance(0.05)) kinds.push('resume');
    return kinds;
  }
  if (qmpStatus === 'paused') return ['resume', 'stop', 'migrate', 'crash'];
  if (life.openSession === null) return ['crash'];
  const kinds: EventKind[] = [
    'stop',
    'shutdown',
    'reboot',
    'poweroff',
    'crash',
    'guest_reboot',
    'suspend_to_disk',
    'migrate',
  ];
  kinds.push('remote_migrate', 'snapshot', 'delete_snapshot', 'rollback', 'clone', 'change');
  if (life.type === 'qemu') kinds.push('reset', 'pause');
  if (settings.isHa) kinds.push('ha_stop', 'ha_relocate');
  if (life.type === 'lxc' && random.chance(0.2)) kinds.push('destroy');
  if (random.chance(0.05)) kinds.push('start');
  return kinds;
}
