import type { Engine, Flow, FlowContext } from './engine.js';
import { bringUp, guestTask, prefixOf, startTask } from './flows-power.js';
import type { GuestLife, GuestSettings } from './life.js';
import type { Machine } from './machine.js';
import { uuidFrom } from './random.js';
import type { GuestType } from './scenario.js';
import type { SimulatedTask } from './task-log.js';

/** A start that a worker forks after its own work: its end is noticed late (trap 38). */
function startAfter(engine: Engine, life: GuestLife, context: FlowContext, delayMs: number): void {
  engine.after(life.state.machine, delayMs, () => {
    if (life.destroyedAt === null) startTask(engine, life, { ...context, isNoticedLate: true });
  });
}

/** qmcreate or vzcreate: the config appears at once, locked; a start follows in a task of its own. */
export function createTask(
  engine: Engine,
  machine: Machine,
  guest: { type: GuestType; vmid: number; settings: GuestSettings },
  context: FlowContext,
  options: { takesMs: number; start: boolean },
): SimulatedTask {
  const flow = function* (): Flow {
    yield 200;
    if (engine.guest(machine.cluster, guest.vmid) !== undefined)
      return `unable to create VM ${guest.vmid} - VM already exists`;
    const life = engine.createLife(machine, guest.type, guest.vmid, guest.settings, 'create');
    yield options.takesMs;
    engine.set(life, { lock: null });
    if (options.start) startAfter(engine, life, context, context.random.between(100, 600));
    return 'OK';
  };
  return engine.runTask(machine, guest.type === 'qemu' ? 'qmcreate' : 'vzcreate', String(guest.vmid), context, flow());
}

/** qmclone or vzclone: logged with the source's VMID; the new VMID is only in the log's text. */
export function cloneTask(
  engine: Engine,
  life: GuestLife,
  target: { vmid: number; name: string; machine: Machine },
  context: FlowContext,
  takesMs: number,
): SimulatedTask {
  const { settings } = life.state;
  const flow = function* (): Flow {
    if (engine.guest(life.cluster, target.vmid) !== undefined)
      return `unable to create VM ${target.vmid}: config file already exists`;
    const uuid = settings.uuid === null ? null : uuidFrom(life.cluster, target.vmid, engine.now);
    const born = engine.createLife(
      target.machine,
      life.type,
      target.vmid,
      // ctime is copied, the uuid is not (proxmox-api.md 4).
      { ...settings, name: target.name, uuid, isTemplate: false, ...freshDevices(target.vmid, engine.now) },
      'clone',
    );
    yield takesMs;
    if (born.destroyedAt === null) engine.set(born, { lock: null });
    return 'OK';
  };
  const task = engine.runTask(life.state.machine, `${prefixOf(life)}clone`, String(life.vmid), context, flow());
  task.lines.push(`creating a clone of ${life.type === 'qemu' ? 'VM' : 'CT'} ${life.vmid} with ID ${target.vmid}`);
  return task;
}

/** qmrestore or vzrestore, in place or to a VMID of its own. A live restore starts the process inside the task. */
export function restoreTask(
  engine: Engine,
  machine: Machine,
  source: GuestLife,
  vmid: number,
  context: FlowContext,
  options: { takesMs: number; start: boolean; isLive: boolean; isUnique: boolean },
): SimulatedTask {
  const flow = function* (): Flow {
    const before = engine.guest(machine.cluster, vmid);
    if (before !== undefined && before.state.process !== null) return `unable to restore VM ${vmid}: VM is running`;
    if (before !== undefined && (before.type !== source.type || before.state.machine !== machine))
      return `unable to restore VM ${vmid}: exists elsewhere`;
    if (before !== undefined && (before.isHeld || before.state.lock !== null)) return `VM ${vmid} is locked`;
    const backedUp = { ...source.state.settings, ...(options.isUnique ? freshIdentity(source, vmid, engine.now) : {}) };
    const life =
      before ??
      engine.createLife(machine, source.type, vmid, { ...backedUp, rootfs: `local-lvm:vm-${vmid}-disk-0` }, 'create');
    engine.set(life, { lock: 'create', settings: { ...backedUp, rootfs: `local-lvm:vm-${vmid}-disk-1` } });
    life.holder = { machine, bootedAt: machine.boot?.bootedAt ?? 0 };
    yield options.isLive ? 1000 : options.takesMs;
    if (options.isLive && life.type === 'qemu' && !life.state.settings.isTemplate) {
      yield* bringUp(engine, life, machine, context, 500);
      yield options.takesMs;
    }
    life.holder = null;
    engine.set(life, { lock: null });
    if (options.start && !options.isLive) startAfter(engine, life, context, context.random.between(100, 600));
    return 'OK';
  };
  return engine.runTask(machine, source.type === 'qemu' ? 'qmrestore' : 'vzrestore', String(vmid), context, flow());
}

function freshDevices(vmid: number, at: number): { hwaddr: string; rootfs: string } {
  const hex = uuidFrom(vmid, at, 'net0').toUpperCase();
  return {
    hwaddr: `BC:24:11:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}`,
    rootfs: `local-lvm:vm-${vmid}-disk-0`,
  };
}

function freshIdentity(source: GuestLife, vmid: number, at: number): Partial<GuestSettings> {
  const uuid = source.type === 'lxc' ? null : uuidFrom(source.cluster, vmid, at);
  return { uuid, hwaddr: freshDevices(vmid, at).hwaddr };
}

/** Refuses a running guest; a container with `force` is stopped inside, without a vzstop. */
export function destroyTask(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  takesMs: number,
  force: boolean,
): SimulatedTask {
  return guestTask(
    engine,
    life,
    'destroy',
    context,
    function* () {
      if (life.state.process !== null) {
        if (life.type === 'qemu' || !force)
          return `${life.type === 'qemu' ? 'VM' : 'CT'} ${life.vmid} is running - destroy failed`;
        yield context.random.between(200, 900);
        yield engine.endProcess(life, 'destroy', context.random) + 100;
      }
      yield takesMs;
      engine.removeLife(life);
      yield 100;
      return 'OK';
    },
    ['suspended'],
  );
}

/** The same process; with memory it pauses for a moment at the end. */
export function snapshotTask(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  takesMs: number,
  withRam: boolean,
): SimulatedTask {
  return guestTask(engine, life, 'snapshot', context, function* () {
    const { process } = life.state;
    engine.set(life, { lock: 'snapshot' });
    yield takesMs;
    if (
      withRam &&
      life.type === 'qemu' &&
      process !== null &&
      life.state.process === process &&
      life.state.qmpStatus === 'running'
    ) {
      engine.set(life, { qmpStatus: 'save-vm' });
      yield 1000;
      if (life.state.process === process) engine.set(life, { qmpStatus: 'running' });
    }
    engine.set(life, { lock: null });
    return 'OK';
  });
}

/** Kills what runs without a stop task; with memory a new process comes up inside, else only by a start of its own. */
export function rollbackTask(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  options: { takesMs: number; withRam: boolean; start: boolean },
): SimulatedTask {
  return guestTask(engine, life, 'rollback', context, function* () {
    const { machine } = life.state;
    engine.set(life, { lock: 'rollback' });
    yield context.random.between(200, 900);
    yield engine.endProcess(life, 'rollback', context.random) + options.takesMs;
    if (options.withRam && life.type === 'qemu') yield* bringUp(engine, life, machine, context, 300);
    engine.set(life, { lock: null });
    if (options.start && !(options.withRam && life.type === 'qemu')) startAfter(engine, life, context, 200);
    return 'OK';
  });
}

/** Only a stopped guest becomes a template. */
export function templateTask(engine: Engine, life: GuestLife, context: FlowContext, takesMs: number): SimulatedTask {
  return guestTask(engine, life, 'template', context, function* () {
    if (life.state.process !== null) return `you can't convert a VM to template if VM is running`;
    yield takesMs;
    engine.set(life, { settings: { ...life.state.settings, isTemplate: true } });
    return 'OK';
  });
}
