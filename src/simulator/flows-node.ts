import type { Engine, Flow, FlowContext } from './engine.js';
import { asRoot, shutdownTask, startTask } from './flows-power.js';
import type { GuestLife } from './life.js';
import type { Boot, Machine } from './machine.js';
import { TaskLog, type SimulatedTask } from './task-log.js';

/** The power goes: all processes end at this instant, nothing is logged, and the running tasks stay in the active file. */
export function powerDown(engine: Engine, machine: Machine): void {
  for (const life of machine.guests) {
    engine.book.close(life, engine.now, 'host');
    engine.set(life, { process: null, qmpStatus: 'stopped', isMonitorUp: false });
  }
  machine.switchTo(engine.now, null);
}

/** The kernel starts; the API follows, tasks that a crash left are archived, and the onboot guests are started. */
export function bootUp(engine: Engine, machine: Machine, context: FlowContext): void {
  const boot: Boot = { bootedAt: engine.now, upAt: engine.now + context.random.between(12_000, 30_000) };
  machine.switchTo(engine.now, boot);
  engine.after(machine, boot.upAt - engine.now, () => {
    for (const task of machine.taskLog.running()) {
      task.status ??= 'unexpected status';
      task.doneAt ??= engine.now;
    }
    engine.noticeAll(machine);
  });
  engine.after(machine, boot.upAt - engine.now + context.random.between(1000, 8000), () =>
    startOnBoot(engine, machine, context),
  );
}

function startOnBoot(engine: Engine, machine: Machine, context: FlowContext): void {
  for (const life of machine.guests) if (life.state.lock === 'backup') engine.set(life, { lock: null });
  const isStarted = (life: GuestLife): boolean => life.state.settings.isOnBoot && life.state.process === null;
  const guests = machine.guests.filter(isStarted);
  startAll(
    engine,
    machine,
    asRoot(context),
    guests.filter((life) => !life.state.settings.isHa),
    'startall',
  );
  // The local resource manager starts those of HA by itself, soon after.
  for (const life of guests.filter((guest) => guest.state.settings.isHa)) {
    engine.after(machine, context.random.between(10_000, 20_000), () => {
      if (life.destroyedAt === null && life.state.machine === machine) startTask(engine, life, asRoot(context));
    });
  }
}

/** startall or bulk-start: one container task, a child for each guest, 3 s apart. Children's ends are noticed late. */
export function startAll(
  engine: Engine,
  machine: Machine,
  context: FlowContext,
  guests: readonly GuestLife[],
  type: string,
): SimulatedTask {
  const flow = function* (): Flow {
    for (const life of guests) {
      const { state } = life;
      if (life.destroyedAt !== null || state.machine !== machine || state.process !== null || state.settings.isTemplate)
        continue;
      const task = startTask(engine, life, { ...context, isNoticedLate: true });
      while (task.doneAt === null) yield 1000;
      yield 3000;
    }
    return 'OK';
  };
  return engine.runTask(machine, type, '', context, flow());
}

/** stopall or bulk-shutdown: a child for each running guest, forced after 180 s; ends when all are down. */
export function stopAll(
  engine: Engine,
  machine: Machine,
  context: FlowContext,
  guests: readonly GuestLife[],
  type: string,
): SimulatedTask {
  const flow = function* (): Flow {
    const children: SimulatedTask[] = [];
    for (const life of guests) {
      if (life.state.process === null || life.state.machine !== machine) continue;
      children.push(shutdownTask(engine, life, { ...context, isNoticedLate: true }, { forceStop: true }));
      yield context.random.between(50, 500);
    }
    while (children.some((task) => task.doneAt === null)) yield 1000;
    yield context.random.between(100, 900);
    return 'OK';
  };
  return engine.runTask(machine, type, '', context, flow());
}

/** A clean reboot: stopall, then off for `downMs`, then a boot. What is still running then ends with the power. */
export function rebootNode(engine: Engine, machine: Machine, context: FlowContext, downMs: number): SimulatedTask {
  const guests = machine.guests.filter((life) => !life.state.settings.isHa);
  const ha = machine.guests.filter((life) => life.state.settings.isHa && life.state.process !== null);
  for (const life of ha) shutdownTask(engine, life, asRoot(context), { forceStop: true });
  const all = stopAll(engine, machine, asRoot(context), guests, 'stopall');
  const whenDown = (): void => {
    if (all.doneAt === null || ha.some((life) => life.state.process !== null && life.isHeld)) {
      engine.after(machine, 1000, whenDown);
      return;
    }
    powerDown(engine, machine);
    engine.later(downMs, () => bootUp(engine, machine, context));
  };
  engine.after(machine, 3000, whenDown);
  return all;
}

/** A crash: off at once; back after `downMs`. Where it is fenced, its HA guests come up on another node meanwhile (2.3). */
export function crashNode(
  engine: Engine,
  machine: Machine,
  context: FlowContext,
  downMs: number,
  recoverTo: Machine | null,
): void {
  powerDown(engine, machine);
  engine.later(downMs, () => bootUp(engine, machine, context));
  if (recoverTo === null) return;
  for (const life of machine.guests.filter((guest) => guest.state.settings.isHa)) {
    engine.after(recoverTo, 120_000 + context.random.between(0, 20_000), () => {
      if (machine.boot !== null || life.destroyedAt !== null || life.state.machine !== machine) return;
      engine.moveConfig(life, recoverTo, { lock: null });
      engine.after(recoverTo, context.random.between(1000, 10_000), () => {
        if (life.destroyedAt === null && life.state.process === null) startTask(engine, life, asRoot(context));
      });
    });
  }
}

/** The node is installed anew under its old name: an empty task log and no guests of its own. */
export function reinstall(engine: Engine, machine: Machine, context: FlowContext, downMs: number): void {
  powerDown(engine, machine);
  for (const life of [...machine.guests]) engine.removeLife(life);
  machine.taskLogs.set(engine.now, new TaskLog());
  engine.later(downMs, () => bootUp(engine, machine, context));
}
