import { demoHistory, runner } from './demo-history.js';
import { Engine } from './engine.js';
import { isAwake } from './flows-inside.js';
import { happen } from './flows.js';
import { labScenario } from './lab-scenario.js';
import type { GuestLife } from './life.js';
import { seededRandom, type Random } from './random.js';
import type { GuestEvent, GuestEventBase, Scenario, ScenarioEvent, ScenarioGuest } from './scenario.js';

const dayMs = 86_400_000;
/** How long things go on happening after now. */
const futureMs = 12 * 3_600_000;
const busyVmids = [104, 105, 108, 109, 120, 121, 122, 123, 140, 141];

/** The lab with a month of history before `nowAt`, and something new every 20 to 60 s for twelve hours after. The same for the same instant. */
export function demoScenario(nowAt: number): Scenario {
  const beganAt = nowAt - 30 * dayMs;
  const lab = labScenario(beganAt);
  const [cluster, ...others] = lab.clusters;
  if (cluster === undefined) throw new Error('the lab has no cluster');
  const base: Scenario = {
    ...lab,
    name: 'demo',
    clusters: [{ ...cluster, guests: [...cluster.guests, ...demoGuests()] }, ...others],
  };
  const history = demoHistory(base, nowAt);
  return { ...base, events: [...history, ...demoFuture({ ...base, events: history }, nowAt)] };
}

/** Guests that the lab does not have: more students, and runners that come and go. */
function demoGuests(): ScenarioGuest[] {
  const student = (vmid: number, name: string, node: string): ScenarioGuest => ({
    vmid,
    type: 'qemu',
    name,
    node,
    cores: 2,
    memoryBytes: 4 * 2 ** 30,
    tags: 'students',
    pool: 'students',
    isOnBoot: false,
  });
  return [
    student(120, 'student-03', 'pve-02'),
    student(121, 'student-04', 'pve-02'),
    student(122, 'student-05', 'pve-03'),
    student(123, 'student-06', 'pve-03'),
  ];
}

/** Plays on from now, and chooses by the state that it meets. */
function demoFuture(scenario: Scenario, nowAt: number): ScenarioEvent[] {
  const engine = new Engine(scenario);
  for (const event of scenario.events) engine.enter(event.at, () => happen(engine, event));
  const random = seededRandom(4711);
  const events: ScenarioEvent[] = [];
  for (let at = nowAt + 15_000; at < nowAt + futureMs; at += random.between(20_000, 60_000)) {
    engine.advance(at - 1);
    const event = nextEvent(engine, random, at);
    if (event === null) continue;
    events.push(event);
    engine.enter(at, () => happen(engine, event));
  }
  return events;
}

function nextEvent(engine: Engine, random: Random, at: number): ScenarioEvent | null {
  const vmid = random.pick(busyVmids);
  const life = engine.guest('lab', vmid);
  if (life === undefined) return vmid < 140 ? null : { ...runner({ at, node: 'pve-01' }, vmid), start: true };
  if (life.isHeld || life.state.lock !== null || !life.state.machine.isUpAt(at)) return null;
  return guestEvent(life, random, { at, cluster: 'lab', vmid });
}

function guestEvent(life: GuestLife, random: Random, base: GuestEventBase): GuestEvent | null {
  const { process, qmpStatus } = life.state;
  if (process === null) return life.vmid >= 140 ? { ...base, kind: 'destroy' } : { ...base, kind: 'start' };
  if (qmpStatus === 'paused') return { ...base, kind: 'resume' };
  if (!isAwake(life)) return null;
  const chance = random.next();
  if (chance < 0.3) return { ...base, kind: 'shutdown', takesMs: random.between(2000, 15_000) };
  if (chance < 0.45) return { ...base, kind: 'poweroff' };
  if (chance < 0.6) return { ...base, kind: 'stop' };
  if (chance < 0.7) return { ...base, kind: 'reboot', takesMs: random.between(2000, 12_000) };
  if (chance < 0.85) {
    const others = ['pve-01', 'pve-02', 'pve-03'].filter((name) => name !== life.state.machine.name);
    return { ...base, kind: 'migrate', to: random.pick(others), takesMs: random.between(4000, 25_000) };
  }
  return life.type === 'qemu' ? { ...base, kind: 'pause' } : { ...base, kind: 'guest_reboot' };
}
