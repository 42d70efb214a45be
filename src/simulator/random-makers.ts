import type { Engine } from './engine.js';
import type { GuestLife } from './life.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { EventKind, GuestEvent, GuestEventBase, NodeEventBase, ScenarioEvent } from './scenario.js';

/** Where the dice fell: an instant, a node that is up, a guest on it if there is one, and the other nodes of its cluster that are up. */
export interface Situation {
  engine: Engine;
  random: Random;
  at: number;
  machine: Machine;
  life: GuestLife | null;
  others: readonly Machine[];
}

type Made = ScenarioEvent | null;
type GuestMaker = (base: GuestEventBase, life: GuestLife, situation: Situation) => Made;
type NodeMaker = (base: NodeEventBase, situation: Situation) => Made;

/** An event of a kind with everything that it needs, thrown by the dice; null where something is missing, such as a second node. */
export function makeEvent(kind: EventKind, situation: Situation): Made {
  const { at, machine, life } = situation;
  const ofNode = nodeMakers[kind];
  if (ofNode !== undefined) return ofNode({ at, node: machine.name }, situation);
  if (life === null) return null;
  const base: GuestEventBase = { at, cluster: life.cluster, vmid: life.vmid };
  const ofGuest = guestMakers[kind];
  return ofGuest === undefined ? bare(kind, base) : ofGuest(base, life, situation);
}

const bareKinds = [
  'stop',
  'reboot',
  'poweroff',
  'crash',
  'guest_reboot',
  'reset',
  'pause',
  'resume',
  'suspend_to_disk',
  'delete_snapshot',
  'template',
  'unlock',
  'ha_start',
  'ha_stop',
] as const;

/** Kinds that need nothing but a guest. */
function bare(kind: EventKind, base: GuestEventBase): GuestEvent | null {
  const found = bareKinds.find((candidate) => candidate === kind);
  return found === undefined ? null : { ...base, kind: found };
}

const nodeMakers: Partial<Record<EventKind, NodeMaker>> = {
  noise: (base, { random }) => {
    const type = random.pick(['vncproxy', 'aptupdate', 'imgcopy', 'vncshell']);
    return { ...base, kind: 'noise', type, count: random.chance(0.03) ? random.between(30, 150) : 1 };
  },
  create: (base, { engine, random, machine }) => {
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
    return { ...base, kind: 'create', guest, start: random.chance(0.7) };
  },
  node_crash: (base, { random, others }) => {
    const isFenced = others.length >= 2 && random.chance(0.6);
    const downMs = random.between(45_000, isFenced ? 3_600_000 : 900_000);
    return { ...base, kind: 'node_crash', downMs, ...(isFenced ? { recoverTo: random.pick(others).name } : {}) };
  },
  node_reboot: (base, { random }) => ({ ...base, kind: 'node_reboot', downMs: random.between(30_000, 300_000) }),
  backup: (base, { random, machine, life }) => {
    const all = machine.guests.map((guest) => guest.vmid);
    const vmids = life === null || random.chance(0.3) ? all : [life.vmid];
    const mode = random.pick(['snapshot', 'snapshot', 'suspend', 'stop'] as const);
    return { ...base, kind: 'backup', vmids, mode, takesMs: random.between(2000, 600_000) };
  },
  restore: (base, { engine, random, machine, life }) => {
    if (life === null) return null;
    const isInPlace = random.chance(0.5);
    const target = isInPlace
      ? { vmid: life.vmid }
      : { vmid: freeVmid(engine, machine.cluster, random), fromVmid: life.vmid };
    const isLive = life.type === 'qemu' && random.chance(0.3);
    return {
      ...base,
      kind: 'restore',
      ...target,
      isLive,
      start: random.chance(0.4),
      isUnique: !isInPlace && random.chance(0.5),
    };
  },
  start_all: (base) => ({ ...base, kind: 'start_all' }),
  stop_all: (base) => ({ ...base, kind: 'stop_all' }),
};

const guestMakers: Partial<Record<EventKind, GuestMaker>> = {
  start: (base, _life, { random }) =>
    random.chance(0.04)
      ? { ...base, kind: 'start', error: 'start failed: QEMU exited with code 1' }
      : { ...base, kind: 'start' },
  shutdown: (base, _life, { random }) => {
    const isIgnored = random.chance(0.1);
    const forceStop = isIgnored && random.chance(0.5);
    return { ...base, kind: 'shutdown', isIgnored, forceStop, takesMs: random.between(800, 45_000) };
  },
  migrate: (base, _life, { random, others }) => {
    if (others.length === 0) return null;
    const takesMs = random.chance(0.1) ? random.between(1_200_000, 2_400_000) : random.between(2000, 90_000);
    const error = random.chance(0.1) ? { error: 'migration problems' } : {};
    return { ...base, kind: 'migrate', to: random.pick(others).name, takesMs, ...error };
  },
  remote_migrate: (base, life, { engine, random, at }) => {
    const far = [...engine.machines.values()].filter((other) => other.cluster !== life.cluster && other.isUpAt(at));
    if (far.length === 0) return null;
    const to = random.pick(far);
    const toVmid = freeVmid(engine, to.cluster, random);
    return { ...base, kind: 'remote_migrate', toCluster: to.cluster, to: to.name, toVmid };
  },
  snapshot: (base, _life, { random }) => ({ ...base, kind: 'snapshot', withRam: random.chance(0.4) }),
  rollback: (base, _life, { random }) => ({
    ...base,
    kind: 'rollback',
    withRam: random.chance(0.4),
    start: random.chance(0.4),
  }),
  destroy: (base, life) => ({ ...base, kind: 'destroy', force: life.state.process !== null }),
  clone: (base, life, { engine, random }) => {
    return { ...base, kind: 'clone', toVmid: freeVmid(engine, life.cluster, random), name: `clone-of-${life.vmid}` };
  },
  change: (base, _life, { random, at }) => {
    const changes = [
      { cores: random.between(1, 8) },
      { name: `renamed-${at % 1000}` },
      { tags: 'a;b' },
      { pool: 'p1' },
    ];
    return { ...base, kind: 'change', ...random.pick(changes) };
  },
  ha_relocate: (base, _life, { random, others }) => {
    return others.length === 0 ? null : { ...base, kind: 'ha_relocate', to: random.pick(others).name };
  },
};

/** A VMID that no guest has: now and then one that was used before. */
function freeVmid(engine: Engine, cluster: string, random: Random): number {
  const used = [...(engine.lives.get(cluster)?.keys() ?? [])];
  const free = used.filter((vmid) => engine.guest(cluster, vmid) === undefined);
  if (free.length > 0 && random.chance(0.6)) return random.pick(free);
  return Math.max(99, ...used) + 1;
}
