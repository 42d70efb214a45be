import type { Engine } from './engine.js';
import { isAwake } from './flows-inside.js';
import type { GuestLife } from './life.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { EventKind, GuestEventBase, ScenarioEvent } from './scenario.js';

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
  return (
    nodeEvent(engine, random, at, kind, machine, life, others) ??
    (life === null ? null : guestEvent(engine, random, at, kind, life, others))
  );
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

function nodeEvent(
  engine: Engine,
  random: Random,
  at: number,
  kind: EventKind,
  machine: Machine,
  life: GuestLife | null,
  others: readonly Machine[],
): ScenarioEvent | null {
  const base = { at, node: machine.name };
  switch (kind) {
    case 'noise':
      return {
        ...base,
        kind,
        type: random.pick(['vncproxy', 'aptupdate', 'imgcopy', 'vncshell']),
        count: random.chance(0.03) ? random.between(30, 150) : 1,
      };
    case 'create': {
      const vmid = freeVmid(engine, machine.cluster, random);
      const type = random.chance(0.6) ? 'qemu' : 'lxc';
      const guest = {
        vmid,
        type,
        name: `new-${vmid}`,
        cores: 2,
        memoryBytes: 2 ** 31,
        isOnBoot: random.chance(0.5),
      } as const;
      return { ...base, kind, guest, start: random.chance(0.7) };
    }
    case 'node_crash': {
      const recoverTo = others.length >= 2 && random.chance(0.6) ? random.pick(others).name : undefined;
      const downMs = random.between(45_000, recoverTo === undefined ? 900_000 : 3_600_000);
      return { ...base, kind, downMs, ...(recoverTo === undefined ? {} : { recoverTo }) };
    }
    case 'node_reboot':
      return { ...base, kind, downMs: random.between(30_000, 300_000) };
    case 'backup': {
      const vmids = machine.guests.map((guest) => guest.vmid);
      const chosen = life === null || random.chance(0.3) ? vmids : [life.vmid];
      const mode = random.pick(['snapshot', 'snapshot', 'suspend', 'stop'] as const);
      return { ...base, kind, vmids: chosen, mode, takesMs: random.between(2000, 600_000) };
    }
    case 'restore': {
      if (life === null) return null;
      const isInPlace = random.chance(0.5);
      const target = isInPlace
        ? { vmid: life.vmid }
        : { vmid: freeVmid(engine, machine.cluster, random), fromVmid: life.vmid };
      const isLive = life.type === 'qemu' && random.chance(0.3);
      return {
        ...base,
        kind,
        ...target,
        isLive,
        start: random.chance(0.4),
        isUnique: !isInPlace && random.chance(0.5),
      };
    }
    case 'start_all':
    case 'stop_all':
      return { ...base, kind };
    default:
      return null;
  }
}

function guestEvent(
  engine: Engine,
  random: Random,
  at: number,
  kind: EventKind,
  life: GuestLife,
  others: readonly Machine[],
): ScenarioEvent | null {
  const base: GuestEventBase = { at, cluster: life.cluster, vmid: life.vmid };
  switch (kind) {
    case 'start':
      return random.chance(0.04)
        ? { ...base, kind, error: 'start failed: QEMU exited with code 1' }
        : { ...base, kind };
    case 'shutdown': {
      const isIgnored = random.chance(0.1);
      return {
        ...base,
        kind,
        isIgnored,
        forceStop: isIgnored && random.chance(0.5),
        takesMs: random.between(800, 45_000),
      };
    }
    case 'migrate': {
      if (others.length === 0) return null;
      const takesMs = random.chance(0.1) ? random.between(1_200_000, 2_400_000) : random.between(2000, 90_000);
      const error = random.chance(0.1) ? { error: 'migration problems' } : {};
      return { ...base, kind, to: random.pick(others).name, takesMs, ...error };
    }
    case 'remote_migrate': {
      const far = [...engine.machines.values()].filter(
        (machine) => machine.cluster !== life.cluster && machine.isUpAt(at),
      );
      if (far.length === 0) return null;
      const to = random.pick(far);
      return { ...base, kind, toCluster: to.cluster, to: to.name, toVmid: freeVmid(engine, to.cluster, random) };
    }
    case 'snapshot':
      return { ...base, kind, withRam: random.chance(0.4) };
    case 'rollback':
      return { ...base, kind, withRam: random.chance(0.4), start: random.chance(0.4) };
    case 'destroy':
      return { ...base, kind, force: life.state.process !== null };
    case 'clone':
      return { ...base, kind, toVmid: freeVmid(engine, life.cluster, random), name: `clone-of-${life.vmid}` };
    case 'change':
      return {
        ...base,
        kind,
        ...random.pick([
          { cores: random.between(1, 8) },
          { name: `renamed-${at % 1000}` },
          { tags: 'a;b' },
          { pool: 'p1' },
        ]),
      };
    case 'ha_relocate':
      return others.length === 0 ? null : { ...base, kind, to: random.pick(others).name };
    case 'stop':
    case 'reboot':
    case 'poweroff':
    case 'crash':
    case 'guest_reboot':
    case 'reset':
    case 'pause':
    case 'resume':
    case 'suspend_to_disk':
    case 'delete_snapshot':
    case 'template':
    case 'unlock':
    case 'ha_start':
    case 'ha_stop':
      return { ...base, kind };
    default:
      return null;
  }
}

/** A VMID that no guest has: now and then one that was used before. */
function freeVmid(engine: Engine, cluster: string, random: Random): number {
  const used = [...(engine.lives.get(cluster)?.keys() ?? [])];
  const free = used.filter((vmid) => engine.guest(cluster, vmid) === undefined);
  if (free.length > 0 && random.chance(0.6)) return random.pick(free);
  return Math.max(99, ...used) + 1;
}
