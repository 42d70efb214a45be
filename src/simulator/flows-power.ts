import type { Engine, Flow, FlowContext } from './engine.js';
import type { EndedHow, GuestLife } from './life.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { SimulatedTask } from './task-log.js';

/** The user of whatever the node itself or a command line on it starts. */
export const rootUser = 'root@pam';

/** The context of a child that a worker or a command starts as root. */
export function asRoot(context: FlowContext, isNoticedLate = false): FlowContext {
  return { user: rootUser, random: context.random, isNoticedLate };
}

/** `qm` for VMs, `vz` for containers: how the names of their tasks begin. */
export function prefixOf(life: GuestLife): 'qm' | 'vz' {
  return life.type === 'qemu' ? 'qm' : 'vz';
}

function named(life: GuestLife): string {
  return `${life.type === 'qemu' ? 'VM' : 'CT'} ${life.vmid}`;
}

/** Runs `body` with the guest's lock file: waits up to 10 s for it, and refuses a locked config (PVE/AbstractConfig.pm). */
export function* locked(life: GuestLife, body: () => Flow, allowedLocks: readonly string[] = []): Flow {
  for (let waitedMs = 0; life.isHeld; waitedMs += 1000) {
    if (waitedMs >= 10_000) {
      const folder = life.type === 'qemu' ? '/var/lock/qemu-server/lock' : '/run/lock/lxc/pve-config';
      return `can't lock file '${folder}-${life.vmid}.conf' - got timeout`;
    }
    yield 1000;
  }
  if (life.destroyedAt !== null) return `Configuration file for ${named(life)} does not exist`;
  const { lock, machine } = life.state;
  if (lock !== null && !allowedLocks.includes(lock)) return `${named(life)} is locked (${lock})`;
  life.holder = { machine, bootedAt: machine.boot?.bootedAt ?? 0 };
  const status = yield* body();
  life.holder = null;
  return status;
}

/** A task on a guest's node that holds the guest's lock file. */
export function guestTask(
  engine: Engine,
  life: GuestLife,
  verb: string,
  context: FlowContext,
  body: () => Flow,
  allowedLocks: readonly string[] = [],
): SimulatedTask {
  const flow = locked(life, body, allowedLocks);
  return engine.runTask(life.state.machine, `${prefixOf(life)}${verb}`, String(life.vmid), context, flow);
}

/** A new process on `machine`, and a session with it. */
export function* bringUp(
  engine: Engine,
  life: GuestLife,
  machine: Machine,
  context: FlowContext,
  takesMs: number,
): Flow {
  const { random } = context;
  yield takesMs;
  if (life.type === 'lxc') {
    engine.set(life, { isMonitorUp: true });
    yield random.between(100, 800);
  }
  const change = life.state.lock === 'suspended' ? { lock: null } : {};
  const process = engine.startProcess(life, machine, random.between(0, 40), change);
  if (context.pid !== undefined) process.pid = context.pid;
  engine.book.open(life, engine.now);
  yield random.between(200, 1500);
  return 'OK';
}

/** What a start does by the guest's state: a new process, the resumption of a backup's, or a refusal. */
export function* startBody(engine: Engine, life: GuestLife, context: FlowContext, takesMs: number): Flow {
  const { process, lock, machine, settings, qmpStatus } = life.state;
  if (settings.isTemplate) {
    yield 100;
    return `you can't start a ${life.type === 'qemu' ? 'vm' : 'CT'} if it's a template`;
  }
  if (process === null) {
    if (lock === 'backup') return `${named(life)} is locked (backup)`;
    return yield* bringUp(engine, life, machine, context, takesMs);
  }
  yield context.random.between(200, 900);
  if (
    lock === 'backup' &&
    (qmpStatus === 'prelaunch' || qmpStatus === 'shutdown') &&
    life.state.process === process &&
    life.openSession === null
  ) {
    engine.set(life, { qmpStatus: 'running' });
    engine.book.open(life, engine.now);
    yield context.random.between(50, 300);
    return 'OK';
  }
  return `${named(life)} already running`;
}

/** A qmstart or vzstart task. */
export function startTask(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  takesMs?: number,
  error?: string,
): SimulatedTask {
  const waitMs = takesMs ?? context.random.between(300, 2500);
  const body = error === undefined ? () => startBody(engine, life, context, waitMs) : () => failure(waitMs, error);
  // A backup's lock file is free while it copies: only the config is locked, and a start may pass that.
  return guestTask(engine, life, 'start', context, body, life.type === 'qemu' ? ['backup', 'suspended'] : []);
}

/** Waits until the work is done, or until the guest's process has gone: false then. */
export function* waitWithProcess(life: GuestLife, takesMs: number): Generator<number, boolean, void> {
  const { process } = life.state;
  // Long work looks less often, so that months of it cost little to play.
  const stepMs = Math.max(1000, Math.ceil(takesMs / 20));
  for (let doneMs = 0; doneMs < takesMs && life.state.process === process; doneMs += stepMs) {
    yield Math.min(stepMs, takesMs - doneMs);
  }
  return life.state.process === process;
}

function* failure(takesMs: number, status: string): Flow {
  yield takesMs;
  return status;
}

/** From the process's end to the task's: usually a second or two, now and then longer by slow storage or a hook. */
function cleanupMs(life: GuestLife, random: Random): number {
  if (random.chance(0.03)) return random.between(3000, 12_000);
  return life.type === 'qemu' ? random.between(200, 2500) : random.between(100, 900);
}

/** Kills the process, if there is one. */
export function* stopBody(engine: Engine, life: GuestLife, context: FlowContext, how: EndedHow): Flow {
  yield context.random.between(100, 1000);
  const monitorMs = engine.endProcess(life, how, context.random);
  yield monitorMs + cleanupMs(life, context.random);
  return 'OK';
}

/** An orderly shutdown of the guest's process after `takesMs`; it may be ignored by the guest until the time-out. */
export function* shutdownBody(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  options: { takesMs: number; isIgnored: boolean; forceStop: boolean; timeoutMs: number; how: EndedHow },
): Flow {
  const { process, qmpStatus } = life.state;
  if (process === null || qmpStatus === 'prelaunch')
    return process === null && life.type === 'lxc' ? `${named(life)} not running` : 'OK';
  const hasTimedOut = options.isIgnored || options.takesMs >= options.timeoutMs;
  const limitMs = hasTimedOut ? options.timeoutMs : options.takesMs;
  // It looks once a second whether the process has gone by itself.
  for (let waitedMs = 0; waitedMs < limitMs && life.state.process === process; waitedMs += 1000) {
    yield Math.min(1000, limitMs - waitedMs);
  }
  const isGone = life.state.process !== process;
  if (!isGone && hasTimedOut && !options.forceStop)
    return life.type === 'qemu'
      ? 'VM quit/powerdown failed - got timeout'
      : `unable to shut down CT ${life.vmid}: timed out`;
  const monitorMs = isGone ? 0 : engine.endProcess(life, options.how, context.random);
  yield monitorMs + cleanupMs(life, context.random);
  return 'OK';
}

/** A qmshutdown or vzshutdown task. */
export function shutdownTask(
  engine: Engine,
  life: GuestLife,
  context: FlowContext,
  given: {
    takesMs?: number;
    isIgnored?: boolean;
    forceStop?: boolean;
    timeoutMs?: number;
    how?: EndedHow;
    allowedLocks?: string[];
  },
): SimulatedTask {
  const options = {
    takesMs: given.takesMs ?? context.random.between(1500, 20_000),
    isIgnored: given.isIgnored ?? false,
    forceStop: given.forceStop ?? false,
    timeoutMs: given.timeoutMs ?? (life.type === 'qemu' ? 180_000 : 60_000),
    how: given.how ?? ('shutdown' as const),
  };
  return guestTask(
    engine,
    life,
    'shutdown',
    context,
    () => shutdownBody(engine, life, context, options),
    given.allowedLocks,
  );
}

/** qmreboot: a shutdown, and then, outside of the task, a qmstart by root. vzreboot: both inside one task. */
export function rebootTask(engine: Engine, life: GuestLife, context: FlowContext, takesMs: number): SimulatedTask {
  const { random } = context;
  return guestTask(engine, life, 'reboot', context, function* () {
    if (life.state.process === null) return `${named(life)} not running`;
    const timeoutMs = takesMs + 1;
    yield* shutdownBody(engine, life, context, {
      takesMs,
      isIgnored: false,
      forceStop: false,
      timeoutMs,
      how: 'reboot',
    });
    if (life.type === 'lxc') return yield* bringUp(engine, life, life.state.machine, context, random.between(200, 900));
    engine.after(life.state.machine, random.between(300, 1500), () => {
      if (life.destroyedAt === null) startTask(engine, life, asRoot(context));
    });
    return 'OK';
  });
}
