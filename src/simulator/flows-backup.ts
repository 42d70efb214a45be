import type { Engine, Flow, FlowContext } from './engine.js';
import { pauseTask, resumeTask } from './flows-inside.js';
import { asRoot, bringUp, shutdownTask, waitWithProcess } from './flows-power.js';
import type { GuestLife } from './life.js';
import type { Machine } from './machine.js';
import type { SimulatedTask } from './task-log.js';

export type BackupMode = 'snapshot' | 'suspend' | 'stop';

/** vzdump on a node: guests one after the other; its id is the VMID only where there is exactly one (proxmox-api.md 2). */
export function backupTask(
  engine: Engine,
  machine: Machine,
  vmids: readonly number[],
  mode: BackupMode,
  context: FlowContext,
  takesMs: number,
): SimulatedTask {
  const flow = function* (): Flow {
    let failed = 0;
    for (const vmid of vmids) {
      yield context.random.between(300, 1500);
      const life = engine.guest(machine.cluster, vmid);
      if (life === undefined || life.state.machine !== machine || life.state.lock !== null || life.isHeld) {
        failed += 1;
        continue;
      }
      const status = yield* backupOne(engine, life, mode, context, takesMs);
      if (status !== 'OK') failed += 1;
    }
    return failed === 0 ? 'OK' : 'job errors';
  };
  const id = vmids.length === 1 ? String(vmids[0]) : '';
  return engine.runTask(machine, 'vzdump', id, context, flow());
}

function* backupOne(engine: Engine, life: GuestLife, mode: BackupMode, context: FlowContext, takesMs: number): Flow {
  engine.set(life, { lock: 'backup' });
  let status: string;
  if (life.state.process === null) status = yield* backupStopped(engine, life, context, takesMs);
  else if (life.type === 'lxc') status = yield* backupContainer(engine, life, mode, context, takesMs);
  else status = yield* backupRunning(engine, life, mode, context, takesMs);
  if (life.destroyedAt === null && life.state.lock === 'backup') engine.set(life, { lock: null });
  return status;
}

/** A stopped VM gets a paused process for the backup's sake: `prelaunch`, no start task, and no session unless someone starts it meanwhile. */
function* backupStopped(engine: Engine, life: GuestLife, context: FlowContext, takesMs: number): Flow {
  if (life.type === 'lxc') {
    yield takesMs;
    return 'OK';
  }
  const { random } = context;
  yield random.between(300, 1500);
  if (life.isHeld || life.state.process !== null) return 'VM state changed';
  engine.startProcess(life, life.state.machine, random.between(0, 40), { qmpStatus: 'prelaunch' });
  const isWhole = yield* waitWithProcess(life, takesMs);
  yield* quitIfUnused(engine, life, context);
  return isWhole ? 'OK' : 'VM is not running';
}

/** At its end: a process that nobody uses (never started, or powered off meanwhile) is quit. */
function* quitIfUnused(engine: Engine, life: GuestLife, context: FlowContext): Flow {
  const { process, qmpStatus } = life.state;
  if (process === null || (qmpStatus !== 'prelaunch' && qmpStatus !== 'shutdown')) return 'OK';
  yield context.random.between(100, 900);
  const now = life.state;
  if (now.process === process && (now.qmpStatus === 'prelaunch' || now.qmpStatus === 'shutdown')) {
    engine.endProcess(life, 'backup', context.random);
    yield context.random.between(100, 900);
  }
  return 'OK';
}

function* backupRunning(
  engine: Engine,
  life: GuestLife,
  mode: BackupMode,
  context: FlowContext,
  takesMs: number,
): Flow {
  const { random } = context;
  const { machine } = life.state;
  if (mode === 'stop') {
    const task = shutdownTask(engine, life, asRoot(context), { how: 'backup', allowedLocks: ['backup'] });
    while (task.doneAt === null) yield 500;
    if (task.status !== 'OK' || life.state.process !== null) return 'command qm shutdown failed';
    yield random.between(300, 1500);
    if (life.isHeld || life.state.process !== null) return 'VM state changed';
    engine.startProcess(life, machine, random.between(0, 40), { qmpStatus: 'prelaunch' });
    engine.book.open(life, engine.now);
    yield random.between(200, 900);
    if (life.state.qmpStatus === 'prelaunch') engine.set(life, { qmpStatus: 'running' });
  } else if (mode === 'suspend') {
    const paused = pauseTask(engine, life, asRoot(context), ['backup']);
    while (paused.doneAt === null) yield 200;
    yield random.between(500, 2000);
    const resumed = resumeTask(engine, life, asRoot(context), 0, ['backup']);
    while (resumed.doneAt === null) yield 200;
  }
  const isWhole = yield* waitWithProcess(life, takesMs);
  yield* quitIfUnused(engine, life, context);
  return isWhole ? 'OK' : 'VM is not running';
}

/** A container in stop mode stops and starts inside the task; in the other modes it is only frozen for a moment. */
function* backupContainer(
  engine: Engine,
  life: GuestLife,
  mode: BackupMode,
  context: FlowContext,
  takesMs: number,
): Flow {
  const { machine, process } = life.state;
  if (mode !== 'stop') {
    yield takesMs;
    return life.state.process === process ? 'OK' : 'CT is not running';
  }
  yield context.random.between(1000, 8000);
  const monitorMs = engine.endProcess(life, 'backup', context.random);
  yield monitorMs + takesMs;
  if (life.state.process === null && !life.isHeld && life.destroyedAt === null) {
    life.holder = { machine, bootedAt: machine.boot?.bootedAt ?? 0 };
    yield* bringUp(engine, life, machine, context, 300);
    life.holder = null;
  }
  return 'OK';
}
