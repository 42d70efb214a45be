import { GuestLife, type EndedHow, type GuestProcess, type GuestSettings, type GuestState } from './life.js';
import { Machine } from './machine.js';
import { DueQueue } from './queue.js';
import { hashOf, seededRandom, type Random } from './random.js';
import { clusterKey, type Scenario, type ScenarioGuest } from './scenario.js';
import { settingsOf } from './settings.js';
import { SessionBook } from './session-book.js';
import type { SimulatedTask } from './task-log.js';
import { newTask } from './task.js';
import { Timeline } from './timeline.js';

/** Something that takes time: yields how many ms to wait, and returns the status that its task ends with. */
export type Flow = Generator<number, string, void>;

/** How a flow and its task are run. */
export interface FlowContext {
  user: string;
  random: Random;
  /** Its end is noticed late: the parent is itself a worker (proxmox-api.md 1.2). */
  isNoticedLate: boolean;
  /** Of the process that it starts; left out: the node's next. */
  pid?: number;
}

/** The world in motion: moves forward only, and writes what happens into timelines that can be read at any past instant. */
export class Engine {
  now: number;
  readonly machines = new Map<string, Machine>();
  /** By cluster key and then VMID: the lives in order. */
  readonly lives = new Map<string, Map<number, GuestLife[]>>();
  /** Of each cluster: the guests that exist. */
  readonly rosters = new Map<string, Timeline<readonly GuestLife[]>>();
  readonly book = new SessionBook();
  private readonly queue = new DueQueue();

  constructor(readonly scenario: Scenario) {
    this.now = scenario.beganAt;
    for (const cluster of scenario.clusters) {
      const key = clusterKey(cluster);
      this.lives.set(key, new Map());
      this.rosters.set(key, new Timeline());
      cluster.nodes.forEach((spec, index) => {
        const phaseMs = hashOf(scenario.seed, spec.name, 'pvestatd') % 10_000;
        const isStandalone = cluster.name === null;
        const nodeId = isStandalone ? 0 : index + 1;
        this.machines.set(
          spec.name,
          new Machine(spec.name, key, cluster.version, nodeId, isStandalone, phaseMs, spec, scenario.beganAt),
        );
      });
      for (const guest of cluster.guests) this.placeFirst(key, guest);
    }
  }

  /** Lets everything up to and including `at` happen. */
  advance(at: number): void {
    for (let next = this.queue.nextAt(); next !== null && next <= at; next = this.queue.nextAt()) {
      this.now = next;
      this.queue.pop().run();
    }
    this.now = Math.max(this.now, at);
  }

  /** Enters an event of the scenario. */
  enter(at: number, run: () => void): void {
    this.queue.push(at, true, run);
  }

  /** Calls `run` after `delayMs`, unless that node has gone down meanwhile. */
  after(machine: Machine, delayMs: number, run: () => void): void {
    const bootedAt = machine.boot?.bootedAt;
    this.queue.push(this.now + Math.round(delayMs), false, () => {
      if (machine.boot !== null && machine.boot.bootedAt === bootedAt) run();
    });
  }

  /** Calls `run` after `delayMs`, whatever happens to any node. */
  later(delayMs: number, run: () => void): void {
    this.queue.push(this.now + Math.round(delayMs), false, run);
  }

  /** Runs a flow on a node; it dies with the node's boot. `done` gets what it returns. */
  run(machine: Machine, flow: Flow, done: (status: string) => void = () => {}): void {
    const step = flow.next();
    if (step.done === true) done(step.value);
    else this.after(machine, step.value, () => this.run(machine, flow, done));
  }

  /** Runs a flow as a task of a node: the task ends with the flow's status. */
  runTask(machine: Machine, type: string, id: string, context: FlowContext, flow: Flow): SimulatedTask {
    const task = this.beginTask(machine, type, id, context);
    this.run(machine, flow, (status) => this.endTask(machine, task, status, context.isNoticedLate));
    return task;
  }

  beginTask(machine: Machine, type: string, id: string, context: FlowContext): SimulatedTask {
    this.noticeAll(machine);
    const task = newTask(machine, this.now, machine.allocatePid(context.random.between(0, 40)), type, id, context.user);
    machine.taskLog.begin(task);
    return task;
  }

  /** The worker ends now; the log learns of it now, or with pvestatd's next round or the node's next task. */
  endTask(machine: Machine, task: SimulatedTask, status: string, isNoticedLate: boolean): void {
    task.doneAt = this.now;
    task.status = status;
    if (!isNoticedLate) this.noticeAll(machine);
    else this.after(machine, machine.nextBroadcastAt(this.now) - this.now, () => this.noticeAll(machine));
  }

  /** What active_workers() does: archives all that have ended. */
  noticeAll(machine: Machine): void {
    const ended = machine.taskLog.running().filter((task) => task.doneAt !== null);
    if (ended.length === 0) return;
    for (const task of ended) {
      task.noticedAt = this.now;
      task.endTimeS = machine.clock.wallS(this.now);
      task.finishedRow = { ...task.finishedRow, endtime: task.endTimeS, status: task.status };
    }
    machine.taskLog.archive(ended, this.now);
  }

  set(life: GuestLife, change: Partial<GuestState>): void {
    life.states.set(this.now, { ...life.state, ...change });
  }

  /** The process starts now; whether the guest runs is the session's matter. */
  startProcess(life: GuestLife, machine: Machine, pidGap: number, change: Partial<GuestState> = {}): GuestProcess {
    const process: GuestProcess = {
      machine,
      pid: machine.allocatePid(pidGap),
      startedAt: this.now,
      bootedAt: machine.boot?.bootedAt ?? this.now,
    };
    this.set(life, { process, qmpStatus: 'running', isMonitorUp: life.type === 'lxc', ...change });
    return process;
  }

  /** The process ends now, and with it a session that is open. A container's monitor stays up for the returned ms. */
  endProcess(life: GuestLife, how: EndedHow, random: Random): number {
    const { process, machine } = life.state;
    if (process === null) return 0;
    this.book.close(life, this.now, how);
    this.set(life, { process: null, qmpStatus: 'stopped' });
    this.noteEnd(life, machine, random);
    if (life.type === 'qemu') return 0;
    const monitorMs = random.between(200, 2000);
    this.after(machine, monitorMs, () => {
      if (life.state.process === null && life.destroyedAt === null) this.set(life, { isMonitorUp: false });
    });
    return monitorMs;
  }

  /** A new life of a VMID, its config on `machine` from now on. */
  createLife(
    machine: Machine,
    type: GuestLife['type'],
    vmid: number,
    settings: GuestSettings,
    lock: string | null,
  ): GuestLife {
    const ofVmid = this.livesOf(machine.cluster, vmid);
    const state = { machine, process: null, qmpStatus: 'stopped', lock, isMonitorUp: false, settings };
    const life = new GuestLife(machine.cluster, type, vmid, ofVmid.length + 1, this.now, state);
    ofVmid.push(life);
    this.rosterOf(machine.cluster).set(this.now, [...this.guestsOf(machine.cluster), life]);
    machine.roster.set(this.now, [...machine.guests, life]);
    return life;
  }

  removeLife(life: GuestLife): void {
    life.destroyedAt = this.now;
    const { machine } = life.state;
    const others = this.guestsOf(life.cluster).filter((other) => other !== life);
    this.rosterOf(life.cluster).set(this.now, others);
    machine.roster.set(
      this.now,
      machine.guests.filter((other) => other !== life),
    );
  }

  /** Renames its config file into another node's folder. */
  moveConfig(life: GuestLife, to: Machine, change: Partial<GuestState>): void {
    const from = life.state.machine;
    from.roster.set(
      this.now,
      from.guests.filter((other) => other !== life),
    );
    to.roster.set(this.now, [...to.guests, life]);
    this.set(life, { machine: to, ...change });
  }

  /** A node of the scenario; throws where there is none of that name. */
  machineNamed(name: string): Machine {
    const machine = this.machines.get(name);
    if (machine === undefined) throw new Error(`no node "${name}" in the scenario`);
    return machine;
  }

  /** The guest that has this VMID now; undefined when there is none. */
  guest(cluster: string, vmid: number): GuestLife | undefined {
    const lives = this.lives.get(cluster)?.get(vmid);
    const last = lives?.[lives.length - 1];
    return last === undefined || last.destroyedAt !== null ? undefined : last;
  }

  guestsOf(cluster: string): readonly GuestLife[] {
    return this.rosterOf(cluster).latest ?? [];
  }

  private noteEnd(life: GuestLife, machine: Machine, random: Random): void {
    const note = (delayMs: number, identifier: string, pid: number, message: string): void =>
      this.after(machine, delayMs, () => machine.note({ at: this.now, identifier, pid, message }));
    if (life.type === 'lxc') {
      note(random.between(0, 300), 'systemd', 1, `pve-container@${life.vmid}.service: Deactivated successfully.`);
      return;
    }
    const pid = 700;
    note(random.between(0, 300), 'systemd', 1, `${life.vmid}.scope: Deactivated successfully.`);
    const cleanupMs = random.between(100, 900);
    note(cleanupMs, 'qmeventd', pid, `Starting cleanup for ${life.vmid}`);
    note(cleanupMs + random.between(50, 400), 'qmeventd', pid, `Finished cleanup for ${life.vmid}`);
  }

  private rosterOf(cluster: string): Timeline<readonly GuestLife[]> {
    const roster = this.rosters.get(cluster);
    if (roster === undefined) throw new Error(`no cluster "${cluster}" in the scenario`);
    return roster;
  }

  private livesOf(cluster: string, vmid: number): GuestLife[] {
    const byVmid = this.lives.get(cluster);
    if (byVmid === undefined) throw new Error(`no cluster "${cluster}" in the scenario`);
    const lives = byVmid.get(vmid) ?? [];
    byVmid.set(vmid, lives);
    return lives;
  }

  private placeFirst(cluster: string, guest: ScenarioGuest): void {
    const machine = this.machineNamed(guest.node);
    const life = this.createLife(machine, guest.type, guest.vmid, settingsOf(this.scenario, cluster, guest), null);
    if (guest.runningSince === undefined || guest.runningSince === null) return;
    const random = seededRandom(hashOf(this.scenario.seed, cluster, guest.vmid, 'first'));
    this.startProcess(life, machine, random.between(0, 40)).startedAt = guest.runningSince;
    this.book.open(life, guest.runningSince);
  }
}
