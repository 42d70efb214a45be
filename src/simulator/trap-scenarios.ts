import type { Scenario } from './scenario.js';
import { at, backup, minuteMs, type Trap } from './trap.js';
import { trapCoincidences } from './trap-coincidences.js';
import { trapWorld } from './trap-world.js';

/** By the numbers of proxmox-api.md, section 11. 100 and 104 (HA) are running VMs, 101 a stopped one, 102 a running and 103 a stopped container, all on t1. */
const traps: readonly Trap[] = [
  { name: 'trap-01-backup-of-a-stopped-vm', events: [backup(5, 101, 'snapshot')] },
  {
    name: 'trap-01-start-during-backup',
    events: [backup(5, 101, 'snapshot'), { at: at(7), kind: 'start', vmid: 101 }],
  },
  {
    name: 'trap-02-paused',
    events: [
      { at: at(5), kind: 'pause', vmid: 100 },
      { at: at(15), kind: 'resume', vmid: 100 },
    ],
  },
  { name: 'trap-03-node-dies', events: [{ at: at(5), kind: 'node_crash', node: 't2', downMs: 20 * minuteMs }] },
  {
    name: 'trap-04-permission-lost',
    faults: [{ from: at(5), to: at(15), fault: { kind: 'permission_lost', privilege: 'VM.Audit' } }],
  },
  {
    name: 'trap-04-pseudo-statuses',
    faults: [595, 596, 597, 599, 500].map((status, index) => ({
      from: at(5 + index),
      to: at(6 + index),
      fault: { kind: 'status', status },
    })),
  },
  { name: 'trap-06-live-migration', events: [{ at: at(5), kind: 'migrate', vmid: 100, to: 't2', takesMs: 40_000 }] },
  {
    name: 'trap-06-slow-migration',
    events: [{ at: at(5), kind: 'migrate', vmid: 100, to: 't2', takesMs: 40 * minuteMs }],
  },
  {
    name: 'trap-07-failed-migration',
    events: [{ at: at(5), kind: 'migrate', vmid: 100, to: 't2', takesMs: 40_000, error: 'migration problems' }],
  },
  {
    name: 'trap-09-container-restart-migration',
    events: [{ at: at(5), kind: 'migrate', vmid: 102, to: 't2', takesMs: 8000 }],
  },
  {
    name: 'trap-10-reset',
    events: [
      { at: at(5), kind: 'reset', vmid: 100 },
      { at: at(10), kind: 'guest_reboot', vmid: 100 },
    ],
  },
  {
    name: 'trap-10-reboot',
    events: [
      { at: at(5), kind: 'reboot', vmid: 100 },
      { at: at(10), kind: 'reboot', vmid: 102 },
    ],
  },
  { name: 'trap-10-container-reboots-itself', events: [{ at: at(5), kind: 'guest_reboot', vmid: 102 }] },
  {
    name: 'trap-11-unlogged-ends',
    events: [
      { at: at(5), kind: 'poweroff', vmid: 100 },
      { at: at(6), kind: 'poweroff', vmid: 102 },
      { at: at(7), kind: 'crash', vmid: 104 },
    ],
  },
  {
    name: 'trap-12-poweroff-and-start-between-two-polls',
    events: [
      { at: at(5, 3), kind: 'poweroff', vmid: 100 },
      { at: at(5, 9), kind: 'start', vmid: 100, takesMs: 500 },
    ],
  },
  { name: 'trap-14-host-uptime', faults: [{ from: at(5), to: at(8), fault: { kind: 'host_uptime', vmid: 102 } }] },
  {
    name: 'trap-15-noticed-late',
    events: [
      { at: at(5), kind: 'stop', vmid: 100, isNoticedLate: true },
      { at: at(8), kind: 'shutdown', vmid: 102, isNoticedLate: true },
    ],
  },
  {
    name: 'trap-17-shutdown-fails',
    events: [
      { at: at(5), kind: 'shutdown', vmid: 100, isIgnored: true },
      { at: at(15), kind: 'shutdown', vmid: 102, isIgnored: true, forceStop: true },
    ],
  },
  {
    name: 'trap-18-ha-requests',
    events: [
      { at: at(5), kind: 'ha_stop', vmid: 104 },
      { at: at(10), kind: 'ha_start', vmid: 104 },
    ],
  },
  { name: 'trap-18-ha-relocate', events: [{ at: at(5), kind: 'ha_relocate', vmid: 104, to: 't2' }] },
  {
    name: 'trap-20-rollback',
    events: [
      { at: at(5), kind: 'rollback', vmid: 100, withRam: true },
      { at: at(10), kind: 'rollback', vmid: 102, start: true },
    ],
  },
  { name: 'trap-20-destroy-by-force', events: [{ at: at(5), kind: 'destroy', vmid: 102, force: true }] },
  { name: 'trap-20-backup-by-stop', events: [backup(5, 100, 'stop'), backup(20, 102, 'stop')] },
  { name: 'trap-20-live-restore', events: [{ at: at(5), kind: 'restore', node: 't1', vmid: 101, isLive: true }] },
  {
    name: 'trap-20-remote-migration',
    events: [
      { at: at(5), kind: 'remote_migrate', vmid: 100, toCluster: 'far-1', to: 'far-1', toVmid: 200, takesMs: 40_000 },
    ],
  },
  {
    name: 'trap-21-stop-all',
    events: [
      { at: at(5), kind: 'stop_all', node: 't1' },
      { at: at(15), kind: 'start_all', node: 't1' },
    ],
  },
  {
    name: 'trap-23-rotated-log',
    events: [
      { at: at(5), kind: 'stop', vmid: 100 },
      { at: at(30), kind: 'noise', node: 't1', type: 'vncproxy', count: 1600, takesMs: 2000 },
    ],
  },
  { name: 'trap-24-node-crash', events: [{ at: at(5), kind: 'node_crash', node: 't1', downMs: 4 * minuteMs }] },
  { name: 'trap-24-node-reboot', events: [{ at: at(5), kind: 'node_reboot', node: 't1', downMs: 2 * minuteMs }] },
  {
    name: 'trap-25-fenced',
    events: [{ at: at(5), kind: 'node_crash', node: 't1', downMs: 30 * minuteMs, recoverTo: 't3' }],
  },
  { name: 'trap-26-partition', faults: [{ from: at(5), to: at(15), node: 't1', fault: { kind: 'partitioned' } }] },
  {
    name: 'trap-27-vmid-used-again',
    events: [
      { at: at(5), kind: 'stop', vmid: 100 },
      { at: at(6), kind: 'destroy', vmid: 100 },
      {
        at: at(8),
        kind: 'create',
        node: 't1',
        guest: { vmid: 100, type: 'qemu', name: 'another', cores: 1, memoryBytes: 2 ** 30 },
        start: true,
      },
    ],
  },
  {
    name: 'trap-28-clone-into-a-used-vmid',
    events: [
      { at: at(5), kind: 'destroy', vmid: 101 },
      { at: at(6), kind: 'clone', vmid: 100, toVmid: 101, name: 'copy' },
      { at: at(9), kind: 'start', vmid: 101 },
    ],
  },
  {
    name: 'trap-29-clock-runs-fast',
    clock: { offsetMs: 3000, driftPpm: 100, steps: [] },
    events: [{ at: at(5), kind: 'start', vmid: 101 }],
  },
  {
    name: 'trap-29-clock-is-set',
    clock: { offsetMs: 0, driftPpm: 0, steps: [{ at: at(7), byMs: -4000 }] },
    events: [{ at: at(9), kind: 'stop', vmid: 100 }],
  },
  { name: 'trap-30-reinstalled-node', events: [{ at: at(5), kind: 'reinstall', node: 't1', downMs: 10 * minuteMs }] },
  { name: 'trap-31-template', events: [{ at: at(5), kind: 'template', vmid: 101 }, backup(10, 101, 'snapshot')] },
  {
    name: 'trap-32-poweroff-during-backup',
    events: [backup(5, 100, 'snapshot'), { at: at(7), kind: 'poweroff', vmid: 100 }],
  },
  {
    name: 'trap-32-poweroff-and-start-during-backup',
    events: [
      backup(5, 100, 'snapshot'),
      { at: at(6), kind: 'poweroff', vmid: 100 },
      { at: at(8), kind: 'start', vmid: 100 },
    ],
  },
  {
    name: 'trap-33-suspended-to-disk',
    events: [
      { at: at(5), kind: 'suspend_to_disk', vmid: 100 },
      { at: at(15), kind: 'resume', vmid: 100 },
    ],
  },
  {
    name: 'trap-35-config-vanishes',
    faults: [{ from: at(5), to: at(5, 2), fault: { kind: 'config_vanished', vmid: 100 } }],
  },
];

/** A small cluster and a standalone node for each trap, beginning at `beganAt`. */
export function trapScenarios(beganAt: number): Scenario[] {
  return [...traps, ...trapCoincidences].map((trap, index) => placed(trap, beganAt, index));
}

function placed({ name, events = [], faults = [], clock }: Trap, beganAt: number, seed: number): Scenario {
  const world = trapWorld(beganAt, seed);
  const steps = clock?.steps.map((step) => ({ ...step, at: beganAt + step.at })) ?? [];
  const clocked = clock === undefined ? {} : { clock: { ...clock, steps } };
  const [cluster, ...others] = world.clusters;
  if (cluster === undefined) throw new Error('the world of the traps has a cluster');
  return {
    ...world,
    name,
    clusters: [{ ...cluster, nodes: cluster.nodes.map((node) => ({ ...node, ...clocked })) }, ...others],
    events: events.map((event) => ({ ...event, at: beganAt + event.at })),
    faults: faults.map((fault) => ({ ...fault, from: beganAt + fault.from, to: beganAt + fault.to })),
  };
}
