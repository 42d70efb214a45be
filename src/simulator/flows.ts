import type { Engine, FlowContext } from './engine.js';
import { cloneTask, destroyTask, rollbackTask, snapshotTask, templateTask } from './flows-config.js';
import { haRelocate, haRequest } from './flows-ha.js';
import {
  crash,
  haltInside,
  pauseTask,
  powerOff,
  rebootInside,
  resetTask,
  resumeTask,
  suspendTask,
} from './flows-inside.js';
import { migrateTask, plainTask, remoteMigrateTask } from './flows-migrate.js';
import { guestTask, rebootTask, rootUser, shutdownTask, startTask, stopBody } from './flows-power.js';
import type { GuestLife } from './life.js';
import { happenToNode } from './node-events.js';
import { hashOf, seededRandom } from './random.js';
import { clusterKey, type GuestEvent, type ScenarioEvent } from './scenario.js';
import type { SimulatedTask } from './task-log.js';

/** Lets an event happen now. Yields the task that it begins, or null: it has none, or is impossible (no such guest, node off). */
export function happen(engine: Engine, event: ScenarioEvent): SimulatedTask | null {
  const subject = 'node' in event ? event.node : event.vmid;
  const context: FlowContext = {
    user: event.user ?? rootUser,
    random: seededRandom(hashOf(engine.scenario.seed, event.at, event.kind, subject)),
    isNoticedLate: event.isNoticedLate ?? false,
  };
  if ('node' in event) {
    const machine = engine.machineNamed(event.node);
    return machine.boot === null || machine.boot.upAt > engine.now
      ? null
      : happenToNode(engine, machine, event, context);
  }
  const life = engine.guest(clusterOf(engine, event), event.vmid);
  const boot = life?.state.machine.boot;
  if (life === undefined || boot === null || boot === undefined || boot.upAt > engine.now) return null;
  return happenToGuest(engine, life, event, context);
}

/** The cluster that an event on a guest means. */
function clusterOf(engine: Engine, event: { cluster?: string }): string {
  const first = engine.scenario.clusters[0];
  return event.cluster ?? (first === undefined ? '' : clusterKey(first));
}

function happenToGuest(engine: Engine, life: GuestLife, event: GuestEvent, context: FlowContext): SimulatedTask | null {
  const { random } = context;
  switch (event.kind) {
    case 'start':
      return startTask(engine, life, { ...context, ...pidOf(event) }, event.takesMs, event.error);
    case 'stop':
      return guestTask(engine, life, 'stop', context, () => stopBody(engine, life, context, 'stop'));
    case 'shutdown':
      return shutdownTask(engine, life, context, event);
    case 'reboot':
      return rebootTask(engine, life, context, event.takesMs ?? random.between(1500, 20_000));
    case 'poweroff':
      powerOff(engine, life, context);
      return null;
    case 'crash':
      crash(engine, life, context);
      return null;
    case 'guest_reboot':
      rebootInside(engine, life, context);
      return null;
    case 'reset':
      return life.type === 'qemu' ? resetTask(engine, life, context) : null;
    case 'pause':
      return life.type === 'qemu' ? pauseTask(engine, life, context) : null;
    case 'halt':
      haltInside(engine, life, event.state, event.takesMs);
      return null;
    case 'resume':
      return resumeTask(engine, life, context, event.takesMs ?? random.between(500, 4000));
    case 'suspend_to_disk':
      return suspendTask(engine, life, context, event.takesMs ?? random.between(2000, 15_000));
    case 'migrate':
      return migrateTask(
        engine,
        life,
        engine.machineNamed(event.to),
        context,
        event.takesMs ?? random.between(5000, 60_000),
        event.error ?? null,
      );
    case 'remote_migrate': {
      const takesMs = event.takesMs ?? random.between(10_000, 120_000);
      return remoteMigrateTask(
        engine,
        life,
        engine.machineNamed(event.to),
        event.toVmid,
        context,
        takesMs,
        event.isKept ?? false,
      );
    }
    default:
      return happenToConfig(engine, life, event, context);
  }
}

function pidOf({ pid }: { pid?: number }): Pick<FlowContext, 'pid'> {
  return pid === undefined ? {} : { pid };
}

function happenToConfig(
  engine: Engine,
  life: GuestLife,
  event: GuestEvent,
  context: FlowContext,
): SimulatedTask | null {
  const { random } = context;
  switch (event.kind) {
    case 'snapshot':
      return snapshotTask(engine, life, context, event.takesMs ?? random.between(500, 6000), event.withRam ?? false);
    case 'delete_snapshot':
      return plainTask(
        engine,
        life,
        'delsnapshot',
        context,
        event.takesMs ?? random.between(500, 4000),
        'snapshot-delete',
      );
    case 'rollback':
      return rollbackTask(engine, life, context, {
        takesMs: event.takesMs ?? random.between(500, 5000),
        withRam: event.withRam ?? false,
        start: event.start ?? false,
      });
    case 'destroy':
      return destroyTask(engine, life, context, event.takesMs ?? random.between(300, 4000), event.force ?? false);
    case 'clone': {
      const machine = event.to === undefined ? life.state.machine : engine.machineNamed(event.to);
      return cloneTask(
        engine,
        life,
        { vmid: event.toVmid, name: event.name, machine },
        context,
        event.takesMs ?? random.between(1000, 20_000),
      );
    }
    case 'template':
      return templateTask(engine, life, context, event.takesMs ?? 800);
    case 'change':
      changeSettings(engine, life, event);
      return null;
    case 'unlock':
      if (!life.isHeld) engine.set(life, { lock: null });
      return null;
    case 'ha_start':
    case 'ha_stop':
      return haRequest(engine, life, event.kind, context);
    case 'ha_relocate':
      return haRelocate(engine, life, engine.machineNamed(event.to), context);
    default:
      return null;
  }
}

function changeSettings(engine: Engine, life: GuestLife, event: GuestEvent & { kind: 'change' }): void {
  const { settings } = life.state;
  engine.set(life, {
    settings: {
      ...settings,
      name: event.name ?? settings.name,
      cores: event.cores ?? settings.cores,
      memoryBytes: event.memoryBytes ?? settings.memoryBytes,
      tags: event.tags ?? settings.tags,
      pool: event.pool === undefined ? settings.pool : event.pool,
    },
  });
}
