import type { Engine, Flow, FlowContext } from './engine.js';
import { migrateTask } from './flows-migrate.js';
import { asRoot, shutdownTask, startTask } from './flows-power.js';
import type { GuestLife } from './life.js';
import type { Machine } from './machine.js';
import type { SimulatedTask } from './task-log.js';

/** hastart and hastop only write a request and return; the resource manager acts some seconds later, as root (proxmox-api.md 2). */
export function haRequest(
  engine: Engine,
  life: GuestLife,
  kind: 'ha_start' | 'ha_stop',
  context: FlowContext,
): SimulatedTask {
  const { machine } = life.state;
  engine.after(machine, context.random.between(4000, 12_000), () => {
    if (life.destroyedAt !== null || life.state.machine !== machine) return;
    if (kind === 'ha_start') startTask(engine, life, asRoot(context));
    else shutdownTask(engine, life, asRoot(context), { forceStop: true });
  });
  return engine.runTask(machine, kind === 'ha_start' ? 'hastart' : 'hastop', String(life.vmid), context, atOnce());
}

/** hamigrate of a guest that is not moved live: shutdown and migration on the source, start on the target, each a task of root's. */
export function haRelocate(engine: Engine, life: GuestLife, to: Machine, context: FlowContext): SimulatedTask {
  const { machine } = life.state;
  const flow = function* (): Flow {
    yield context.random.between(4000, 12_000);
    if (life.destroyedAt !== null || life.state.machine !== machine) return 'gone';
    const wasRunning = life.state.process !== null;
    if (wasRunning) yield* until(shutdownTask(engine, life, asRoot(context), { forceStop: true }));
    if (life.state.process !== null) return 'still running';
    yield* until(migrateTask(engine, life, to, asRoot(context), context.random.between(1000, 6000), null));
    if (wasRunning && life.state.machine === to && to.boot !== null) startTask(engine, life, asRoot(context));
    return 'OK';
  };
  engine.run(machine, flow());
  return engine.runTask(machine, 'hamigrate', String(life.vmid), context, atOnce());
}

function* until(task: SimulatedTask): Generator<number, void, void> {
  while (task.doneAt === null) yield 500;
}

function* atOnce(): Flow {
  yield 300;
  return 'OK';
}
