import type { Engine, FlowContext } from './engine.js';
import { backupTask } from './flows-backup.js';
import { createTask, restoreTask } from './flows-config.js';
import { crashNode, rebootNode, reinstall, startAll, stopAll } from './flows-node.js';
import type { GuestLife } from './life.js';
import type { Machine } from './machine.js';
import type { NodeEvent } from './scenario.js';
import { settingsOf } from './settings.js';
import type { SimulatedTask } from './task-log.js';

/** Lets an event on a node, or one that makes a guest on it, happen now; yields its task, or null. */
export function happenToNode(
  engine: Engine,
  machine: Machine,
  event: NodeEvent,
  context: FlowContext,
): SimulatedTask | null {
  const { random } = context;
  switch (event.kind) {
    case 'create': {
      const { type, vmid } = event.guest;
      const settings = settingsOf(engine.scenario, machine.cluster, { ...event.guest, createdAt: engine.now });
      const options = { takesMs: event.takesMs ?? random.between(500, 5000), start: event.start ?? false };
      return createTask(engine, machine, { type, vmid, settings }, context, options);
    }
    case 'restore': {
      const lives = engine.lives.get(machine.cluster)?.get(event.fromVmid ?? event.vmid);
      const source = lives?.[lives.length - 1];
      if (source === undefined) return null;
      return restoreTask(engine, machine, source, event.vmid, context, {
        takesMs: event.takesMs ?? random.between(3000, 30_000),
        start: event.start ?? false,
        isLive: event.isLive ?? false,
        isUnique: event.isUnique ?? false,
      });
    }
    case 'backup':
      return backupTask(
        engine,
        machine,
        event.vmids,
        event.mode,
        context,
        event.takesMs ?? random.between(10_000, 120_000),
      );
    case 'node_crash':
      crashNode(
        engine,
        machine,
        context,
        event.downMs,
        event.recoverTo === undefined ? null : engine.machineNamed(event.recoverTo),
      );
      return null;
    case 'node_reboot':
      return rebootNode(engine, machine, context, event.downMs);
    case 'start_all':
      return startAll(engine, machine, context, chosen(machine, event), event.type ?? 'startall');
    case 'stop_all':
      return stopAll(engine, machine, context, chosen(machine, event), event.type ?? 'stopall');
    case 'noise':
      return makeNoise(engine, machine, event, context);
    case 'reinstall':
      reinstall(engine, machine, context, event.downMs);
      return null;
  }
}

/** The named guests; else all for a bulk action, and for startall and stopall those that HA does not manage and that start on boot. */
function chosen(machine: Machine, event: NodeEvent & { kind: 'start_all' | 'stop_all' }): readonly GuestLife[] {
  const { vmids, type, kind } = event;
  if (vmids !== undefined) return machine.guests.filter((life) => vmids.includes(life.vmid));
  if (type === 'bulk-start' || type === 'bulk-shutdown') return machine.guests;
  const isMeant = ({ state: { settings } }: GuestLife): boolean =>
    !settings.isHa && (kind === 'stop_all' || settings.isOnBoot);
  return machine.guests.filter(isMeant);
}

/** Tasks that touch no guest's process; many of them make the log rotate. */
function makeNoise(
  engine: Engine,
  machine: Machine,
  event: NodeEvent & { kind: 'noise' },
  context: FlowContext,
): SimulatedTask {
  const takesMs = event.takesMs ?? context.random.between(300, 20_000);
  const flow = function* () {
    yield takesMs;
    return 'OK';
  };
  for (let made = 1; made < (event.count ?? 1); made += 1)
    engine.runTask(machine, event.type, event.id ?? '', context, flow());
  return engine.runTask(machine, event.type, event.id ?? '', context, flow());
}
