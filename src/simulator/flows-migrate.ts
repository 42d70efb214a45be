import type { Engine, Flow, FlowContext } from './engine.js';
import { isHalted } from './flows-inside.js';
import { asRoot, bringUp, guestTask, locked, startTask, waitWithProcess } from './flows-power.js';
import type { GuestLife, GuestProcess } from './life.js';
import type { Machine } from './machine.js';
import type { SimulatedTask } from './task-log.js';

/** qmigrate or vzmigrate on the source: live for a running VM, by restart for a running container, else of disks and config only. */
export function migrateTask(
  engine: Engine,
  life: GuestLife,
  to: Machine,
  context: FlowContext,
  takesMs: number,
  error: string | null,
): SimulatedTask {
  const type = life.type === 'qemu' ? 'qmigrate' : 'vzmigrate';
  const source = life.state.machine;
  const body = function* (): Flow {
    if (to === source) return 'target is local node.';
    if (to.boot === null) return 'target node is offline';
    if (life.state.process === null) return yield* migrateOffline(engine, life, to, takesMs, error);
    if (life.type === 'lxc') return yield* migrateByRestart(engine, life, to, context, takesMs, error);
    return yield* migrateLive(engine, life, to, context, takesMs, error);
  };
  return engine.runTask(source, type, String(life.vmid), context, locked(life, body));
}

function* migrateOffline(engine: Engine, life: GuestLife, to: Machine, takesMs: number, error: string | null): Flow {
  engine.set(life, { lock: 'migrate' });
  yield takesMs;
  if (error !== null || to.boot === null) {
    engine.set(life, { lock: null });
    return error ?? 'migration aborted';
  }
  engine.moveConfig(life, to, { lock: null });
  yield 300;
  return 'OK';
}

/** The target's process starts at once, in a qmstart of its own, but shows only when the config has moved; the guest runs on there from `cont` on. */
function* migrateLive(
  engine: Engine,
  life: GuestLife,
  to: Machine,
  context: FlowContext,
  takesMs: number,
  error: string | null,
): Flow {
  const { random } = context;
  const { process: sourceProcess } = life.state;
  engine.set(life, { lock: 'migrate' });
  yield random.between(500, 2000);
  const targetBoot = to.boot;
  if (targetBoot === null) return yield* abandon(engine, life, null);
  const target = yield* startIncoming(engine, life, to, context);
  const isWhole = life.state.process === sourceProcess && (yield* waitWithProcess(life, takesMs));
  const isBroken = error !== null || !isWhole || to.boot !== targetBoot || target === null;
  if (isBroken)
    return yield* abandon(engine, life, to.boot === targetBoot ? { to, context } : null, error ?? undefined);
  yield* switchOver(engine, life, to, target, random.between(50, 600));
  yield random.between(500, 2500);
  if (life.destroyedAt === null && life.state.lock === 'migrate') engine.set(life, { lock: null });
  return 'OK';
}

/** The config moves, then the target resumes, and the session goes on there. */
function* switchOver(engine: Engine, life: GuestLife, to: Machine, process: GuestProcess, resumeMs: number): Flow {
  const { qmpStatus } = life.state;
  engine.moveConfig(life, to, { process, qmpStatus: 'inmigrate' });
  yield resumeMs;
  if (life.state.process === process) {
    engine.set(life, { qmpStatus: isHalted(qmpStatus) ? qmpStatus : 'running' });
    engine.book.move(life, engine.now, to.name);
  }
  return 'OK';
}

/** A qmstart by root on the target, whose process waits for the stream. */
function* startIncoming(
  engine: Engine,
  life: GuestLife,
  to: Machine,
  context: FlowContext,
): Generator<number, GuestProcess | null, void> {
  const { random } = context;
  let process: GuestProcess | null = null;
  const flow = function* (): Flow {
    yield random.between(200, 1200);
    process = {
      machine: to,
      pid: to.allocatePid(random.between(0, 40)),
      startedAt: engine.now,
      bootedAt: to.boot?.bootedAt ?? 0,
    };
    yield random.between(300, 1500);
    return 'OK';
  };
  const task = engine.runTask(to, 'qmstart', String(life.vmid), asRoot(context), flow());
  const startedBoot = to.boot;
  while (task.doneAt === null && to.boot === startedBoot) yield 250;
  return process;
}

/** The incoming process is killed by a qmstop that is logged on the target; the guest stays on its source. */
function* abandon(
  engine: Engine,
  life: GuestLife,
  target: { to: Machine; context: FlowContext } | null,
  status = 'migration aborted',
): Flow {
  if (target !== null) {
    const stop = function* (): Flow {
      yield 700;
      return 'OK';
    };
    engine.runTask(target.to, 'qmstop', String(life.vmid), asRoot(target.context), stop());
    yield 1200;
  }
  engine.set(life, { lock: null });
  return status;
}

/** Stops inside this task, moves the config, and a vzstart by root on the target brings it up; a failure restarts it on the source inside the task. */
function* migrateByRestart(
  engine: Engine,
  life: GuestLife,
  to: Machine,
  context: FlowContext,
  takesMs: number,
  error: string | null,
): Flow {
  const { random } = context;
  const source = life.state.machine;
  engine.set(life, { lock: 'migrate' });
  yield random.between(1000, 8000);
  const monitorMs = engine.endProcess(life, 'migrate', random);
  yield monitorMs + takesMs;
  if (error !== null || to.boot === null) {
    engine.set(life, { lock: null });
    yield* bringUp(engine, life, source, context, random.between(300, 1500));
    return error ?? 'migration aborted';
  }
  engine.moveConfig(life, to, { lock: null });
  yield random.between(200, 900);
  life.holder = null;
  const start = startTask(engine, life, asRoot(context));
  while (start.doneAt === null && to.boot !== null) yield 500;
  return 'OK';
}

/** Remote live migration: qmigrate on the source, qmtunnel on the target, the target's process inside the tunnel. The source is removed unless kept. */
export function remoteMigrateTask(
  engine: Engine,
  life: GuestLife,
  to: Machine,
  toVmid: number,
  context: FlowContext,
  takesMs: number,
  isKept: boolean,
): SimulatedTask {
  const source = life.state.machine;
  const type = life.type === 'qemu' ? 'qmigrate' : 'vzmigrate';
  const body = function* (): Flow {
    if (to.boot === null || engine.guest(to.cluster, toVmid) !== undefined) return 'remote: tunnel command failed';
    engine.set(life, { lock: 'migrate' });
    yield context.random.between(500, 2000);
    const flow = tunnelFlow(engine, life, to, toVmid, context, takesMs);
    const task = engine.runTask(to, life.type === 'qemu' ? 'qmtunnel' : 'vzmtunnel', String(toVmid), context, flow);
    while (task.doneAt === null && to.boot !== null) yield 200;
    if (task.status !== 'OK') {
      engine.set(life, { lock: null });
      return task.status ?? 'migration aborted';
    }
    yield 500;
    if (isKept) engine.set(life, { lock: null });
    else engine.removeLife(life);
    return 'OK';
  };
  return engine.runTask(source, type, String(life.vmid), context, locked(life, body));
}

function* tunnelFlow(
  engine: Engine,
  life: GuestLife,
  to: Machine,
  toVmid: number,
  context: FlowContext,
  takesMs: number,
): Flow {
  const { random } = context;
  const { process: wasRunning, settings } = life.state;
  yield random.between(500, 1500);
  if (engine.guest(to.cluster, toVmid) !== undefined) return `unable to create VM ${toVmid} - VM already exists`;
  const arrival = engine.createLife(
    to,
    life.type,
    toVmid,
    { ...settings, rootfs: `local-lvm:vm-${toVmid}-disk-0` },
    'migrate',
  );
  // The tunnel holds it: nobody unlocks the arrival meanwhile.
  arrival.holder = { machine: to, bootedAt: to.boot?.bootedAt ?? 0 };
  if (wasRunning === null) {
    yield takesMs;
  } else if (life.type === 'qemu') {
    const process = engine.startProcess(arrival, to, random.between(0, 40), { qmpStatus: 'inmigrate' });
    yield* waitWithProcess(life, takesMs);
    if (life.state.process !== wasRunning || arrival.state.process !== process) {
      engine.removeLife(arrival);
      return 'migration aborted';
    }
    // The guest is one, and moves at this instant: it ends in the one cluster and begins in the other.
    engine.endProcess(life, 'migrated_away', random);
    engine.set(arrival, { qmpStatus: 'running' });
    engine.book.open(arrival, engine.now);
  } else {
    engine.endProcess(life, 'migrated_away', random);
    yield takesMs;
    yield* bringUp(engine, arrival, to, context, 300);
  }
  yield random.between(300, 1500);
  arrival.holder = null;
  engine.set(arrival, { lock: null });
  return 'OK';
}

/** qmclone's and the like share this: a task on the guest's node that only takes time under a lock. */
export function plainTask(
  engine: Engine,
  life: GuestLife,
  verb: string,
  context: FlowContext,
  takesMs: number,
  lock: string | null,
): SimulatedTask {
  return guestTask(engine, life, verb, context, function* () {
    if (lock !== null) engine.set(life, { lock });
    yield takesMs;
    if (lock !== null && life.destroyedAt === null) engine.set(life, { lock: null });
    return 'OK';
  });
}
