import { bringUp, guestTask } from './flows-power.js';
import type { Engine, Flow, FlowContext } from './engine.js';
import type { GuestLife } from './life.js';
import type { SimulatedTask } from './task-log.js';

/** True when the guest's own system runs and could act. */
export function isAwake(life: GuestLife): boolean {
  const { process, qmpStatus } = life.state;
  return process !== null && life.openSession !== null && (life.type === 'lxc' || qmpStatus === 'running');
}

/** The guest turns itself off: no task. While a backup runs, qmeventd keeps the process until the backup ends (2.2). */
export function powerOff(engine: Engine, life: GuestLife, context: FlowContext): void {
  if (!isAwake(life)) return;
  if (life.type === 'qemu' && life.state.lock === 'backup') {
    engine.book.close(life, engine.now, 'poweroff');
    engine.set(life, { qmpStatus: 'shutdown' });
    return;
  }
  engine.endProcess(life, 'poweroff', context.random);
}

/** The process dies: crash, kill, out of memory. No task. */
export function crash(engine: Engine, life: GuestLife, context: FlowContext): void {
  if (life.state.process === null) return;
  engine.endProcess(life, 'crash', context.random);
}

/** The guest reboots from inside: a VM's process goes on; a container gets a new init after a short gap, without a task. */
export function rebootInside(engine: Engine, life: GuestLife, context: FlowContext): void {
  if (!isAwake(life) || life.type === 'qemu' || life.isHeld) return;
  const { machine } = life.state;
  const { random } = context;
  const monitorMs = engine.endProcess(life, 'guest_reboot', random);
  engine.after(machine, monitorMs + random.between(50, 400), () => {
    if (life.isHeld || life.destroyedAt !== null || life.state.machine !== machine || life.state.process !== null)
      return;
    life.holder = { machine, bootedAt: machine.boot?.bootedAt ?? 0 };
    engine.run(machine, bringUp(engine, life, machine, context, 50), () => {
      life.holder = null;
    });
  });
}

/** qmreset: the machine begins anew inside the same process. */
export function resetTask(engine: Engine, life: GuestLife, context: FlowContext): SimulatedTask {
  return guestTask(engine, life, 'reset', context, function* () {
    yield context.random.between(50, 400);
    return life.state.process === null ? `VM ${life.vmid} not running` : 'OK';
  });
}

/** True where QEMU holds the guest's CPUs still. */
export function isHalted(qmpStatus: string): boolean {
  return qmpStatus === 'paused' || qmpStatus === 'io-error' || qmpStatus === 'suspended';
}

/** The CPUs of a VM stand still for so long, unless something resumes or ends it sooner. No task. */
export function haltInside(engine: Engine, life: GuestLife, state: string, takesMs: number): void {
  if (life.type !== 'qemu' || !isAwake(life)) return;
  const session = life.openSession;
  engine.set(life, { qmpStatus: state });
  engine.book.pause(life, engine.now, state);
  const wake = (): void => {
    const isOver = life.openSession !== session || session?.pauses.at(-1)?.to !== null;
    if (isOver) return;
    // What is just being moved wakes where it arrives.
    if (life.state.qmpStatus === 'inmigrate') engine.later(1000, wake);
    if (life.state.qmpStatus !== state) return;
    engine.set(life, { qmpStatus: 'running' });
    engine.book.unpause(life, engine.now);
  };
  engine.later(takesMs, wake);
}

/** qmpause: the CPUs stop, the process stays. */
export function pauseTask(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  allowedLocks: string[] = [],
): SimulatedTask {
  const body = function* (): Flow {
    yield context.random.between(50, 400);
    if (life.state.process === null || life.state.qmpStatus !== 'running') return `VM ${life.vmid} not running`;
    engine.set(life, { qmpStatus: 'paused' });
    engine.book.pause(life, engine.now, 'paused');
    return 'OK';
  };
  return guestTask(engine, life, 'pause', context, body, allowedLocks);
}

/** qmresume: of a paused process `cont`; of a VM suspended to disk a start inside this task. vzresume restores a container's. */
export function resumeTask(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  takesMs: number,
  allowedLocks: string[] = [],
): SimulatedTask {
  const body = function* (): Flow {
    const { process, lock, machine } = life.state;
    if (process === null && (lock === 'suspended' || life.type === 'lxc')) {
      return yield* bringUp(engine, life, machine, context, takesMs);
    }
    yield context.random.between(50, 400);
    const { qmpStatus } = life.state;
    if (process === null || !isHalted(qmpStatus)) return process === null ? `VM ${life.vmid} not running` : 'OK';
    engine.set(life, { qmpStatus: 'running' });
    engine.book.unpause(life, engine.now);
    return 'OK';
  };
  return guestTask(engine, life, 'resume', context, body, ['suspended', ...allowedLocks]);
}

/** qmsuspend saves the memory, then quits; the config stays locked `suspended`. vzsuspend dumps and stops a container, without a lock. */
export function suspendTask(engine: Engine, life: GuestLife, context: FlowContext, takesMs: number): SimulatedTask {
  return guestTask(engine, life, 'suspend', context, function* () {
    const { process } = life.state;
    if (process === null) return `VM ${life.vmid} not running`;
    if (life.type === 'qemu') engine.set(life, { lock: 'suspending', qmpStatus: 'save-vm' });
    yield takesMs;
    if (life.state.process !== process) {
      if (life.type === 'qemu') engine.set(life, { lock: null });
      return 'suspend failed: process is gone';
    }
    const monitorMs = engine.endProcess(life, 'suspend', context.random);
    if (life.type === 'qemu') engine.set(life, { lock: 'suspended' });
    yield monitorMs + context.random.between(100, 900);
    return 'OK';
  });
}
