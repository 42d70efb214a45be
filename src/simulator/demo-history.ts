import { seededRandom, type Random } from './random.js';
import type { GuestEventBase, NodeEventBase, Scenario, ScenarioEvent } from './scenario.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const students = [108, 109, 120, 121, 122, 123];

/** A month as a lab might have it: students by day, builds, nightly backups, maintenance, and now and then an accident. */
export function demoHistory(base: Scenario, nowAt: number): ScenarioEvent[] {
  const random = seededRandom(base.seed + 30);
  const events: ScenarioEvent[] = [];
  const firstMidnight = Math.ceil(base.beganAt / dayMs) * dayMs;
  for (let midnight = firstMidnight; midnight < nowAt; midnight += dayMs) {
    const weekday = new Date(midnight).getUTCDay();
    const isWorkday = weekday >= 1 && weekday <= 5;
    events.push(...backups(midnight, weekday === 0));
    events.push(...graphics(random, midnight));
    if (isWorkday) events.push(...studentDay(random, midnight), ...buildDay(random, midnight));
  }
  events.push(...accidents(base.beganAt), ...edgeEvents(random, base.beganAt));
  // What is under way now has begun some minutes ago; tasks of the last minutes would still run.
  return events
    .filter((event) => event.at > base.beganAt && event.at < nowAt - 5 * minuteMs)
    .sort((a, b) => a.at - b.at);
}

function onLab(at: number, vmid: number): GuestEventBase {
  return { at: Math.floor(at), cluster: 'lab', vmid, user: 'root@pam' };
}

function backups(midnight: number, isSunday: boolean): ScenarioEvent[] {
  const job = (node: string, minutes: number, vmids: number[]): ScenarioEvent => ({
    at: midnight + minutes * minuteMs,
    kind: 'backup',
    node,
    vmids,
    mode: isSunday ? 'stop' : 'snapshot',
    takesMs: 4 * minuteMs,
  });
  return [
    job('pve-01', 90, [101, 102]),
    job('pve-02', 105, [106, 107]),
    job('pve-03', 120, [110]),
    job('edge-01', 135, [101]),
  ];
}

/** Six in ten shut down in order; some pull the plug, some turn off from inside, which no task tells. */
function studentDay(random: Random, midnight: number): ScenarioEvent[] {
  return students.flatMap((vmid): ScenarioEvent[] => {
    if (random.chance(0.15)) return [];
    const startAt = midnight + 8 * hourMs + random.between(0, 90 * minuteMs);
    const endAt = midnight + 15 * hourMs + random.between(0, 4 * hourMs);
    const start: ScenarioEvent = { ...onLab(startAt, vmid), kind: 'start', user: `student-${vmid}@pve` };
    const end = onLab(endAt, vmid);
    const chance = random.next();
    if (chance < 0.6) return [start, { ...end, kind: 'shutdown', takesMs: random.between(3000, 25_000) }];
    if (chance < 0.8) return [start, { ...end, kind: 'poweroff' }];
    return [start, chance < 0.9 ? { ...end, kind: 'stop' } : { ...onLab(startAt + 2 * hourMs, vmid), kind: 'reboot' }];
  });
}

/** Runners are made in the morning and destroyed at night: the same VMIDs each day. */
function buildDay(random: Random, midnight: number): ScenarioEvent[] {
  return [140, 141].flatMap((vmid): ScenarioEvent[] => {
    const beginAt = midnight + 7 * hourMs + random.between(0, hourMs);
    const endAt = midnight + 20 * hourMs + random.between(0, hourMs);
    return [
      { ...runner({ at: beginAt, node: 'pve-01' }, vmid), start: true },
      { ...onLab(midnight + 12 * hourMs + random.between(0, hourMs), vmid), kind: 'guest_reboot' },
      { ...onLab(endAt, vmid), kind: 'stop' },
      { ...onLab(endAt + minuteMs, vmid), kind: 'destroy' },
    ];
  });
}

function graphics(random: Random, midnight: number): ScenarioEvent[] {
  return [104, 105].flatMap((vmid): ScenarioEvent[] => {
    const startAt = midnight + random.between(6, 14) * hourMs + random.between(0, hourMs);
    const endAt = startAt + random.between(2, 9) * hourMs;
    const start: ScenarioEvent = { ...onLab(startAt, vmid), kind: 'start' };
    return [
      start,
      random.chance(0.7) ? { ...onLab(endAt, vmid), kind: 'shutdown' } : { ...onLab(endAt, vmid), kind: 'poweroff' },
    ];
  });
}

/** Maintenance of a node with its guests moved away and back, a crash, a rollback, a new size, a VMID that changed hands. */
function accidents(beganAt: number): ScenarioEvent[] {
  const day = (number: number, hours: number): number =>
    Math.ceil(beganAt / dayMs) * dayMs + number * dayMs + hours * hourMs;
  return [
    { ...onLab(day(6, 21), 100), kind: 'migrate', to: 'pve-03', takesMs: 35_000 },
    { ...onLab(day(6, 22), 101), kind: 'migrate', to: 'pve-02', takesMs: 11 * minuteMs },
    { at: day(7, 3), kind: 'node_reboot', node: 'pve-01', downMs: 4 * minuteMs },
    { ...onLab(day(7, 4), 100), kind: 'migrate', to: 'pve-01', takesMs: 30_000 },
    { ...onLab(day(7, 5), 101), kind: 'migrate', to: 'pve-01', takesMs: 9 * minuteMs },
    { ...onLab(day(11, 2.5), 101), kind: 'crash' },
    { ...onLab(day(11, 2.7), 101), kind: 'start' },
    { ...onLab(day(14, 10), 107), kind: 'snapshot' },
    { ...onLab(day(16, 11), 107), kind: 'rollback', start: true },
    { at: day(18, 4.2), kind: 'node_crash', node: 'pve-03', downMs: 9 * minuteMs },
    { ...onLab(day(20, 13), 101), kind: 'change', cores: 12, memoryBytes: 48 * 2 ** 30 },
    { ...onLab(day(21, 9), 102), kind: 'start' },
    { ...onLab(day(22, 18), 102), kind: 'suspend_to_disk' },
    { ...onLab(day(23, 9), 102), kind: 'resume' },
    { ...onLab(day(23, 19), 102), kind: 'shutdown' },
    { ...onLab(day(24, 9), 102), kind: 'destroy' },
    {
      at: day(24, 10),
      kind: 'create',
      node: 'pve-01',
      guest: { vmid: 102, type: 'qemu', name: 'mac-build', cores: 6, memoryBytes: 24 * 2 ** 30, tags: 'ci' },
      start: true,
    },
  ];
}

function edgeEvents(random: Random, beganAt: number): ScenarioEvent[] {
  const onEdge = (hours: number, vmid: number): GuestEventBase => ({
    at: beganAt + hours * hourMs + random.between(0, hourMs),
    cluster: 'edge-01',
    vmid,
  });
  return Array.from({ length: 9 }, (_, index): ScenarioEvent[] => [
    { ...onEdge(index * 72 + 20, 102), kind: 'start' },
    { ...onEdge(index * 72 + 40, 102), kind: index % 3 === 0 ? 'poweroff' : 'shutdown' },
  ]).flat();
}

/** A container for one day's builds; its VMID is used again and again. */
export function runner(base: NodeEventBase, vmid: number): Extract<ScenarioEvent, { kind: 'create' }> {
  const guest = {
    vmid,
    type: 'lxc',
    name: `runner-${vmid - 138}`,
    cores: 4,
    memoryBytes: 8 * 2 ** 30,
    tags: 'ci',
    isOnBoot: false,
  } as const;
  return { ...base, kind: 'create', guest };
}
