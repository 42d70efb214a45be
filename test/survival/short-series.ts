import type { Scenario, ScenarioGuest } from '../../src/simulator/scenario.js';
import { labToken } from '../../src/simulator/lab-scenario.js';
import { recordPolls, type Recording } from './recorded-polls.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 86_400_000;
const BEGAN_AT = Date.UTC(2026, 9, 5, 12);

const at = (minutes: number, seconds = 0): number => BEGAN_AT + minutes * MINUTE_MS + seconds * SECOND_MS;

/** Two nodes on which, within ten minutes, happens about all that a poll can find. */
function scenario(): Scenario {
  const guest = (vmid: number, type: ScenarioGuest['type'], isRunning: boolean): ScenarioGuest => ({
    vmid,
    type,
    name: `guest-${vmid}`,
    node: 's1',
    cores: 2,
    memoryBytes: 2 ** 31,
    runningSince: isRunning ? BEGAN_AT - DAY_MS : null,
  });
  return {
    name: 'short',
    seed: 1,
    beganAt: BEGAN_AT,
    clusters: [
      {
        name: 'short',
        version: '9.2',
        nodes: ['s1', 's2'].map((name) => ({ name, bootedAt: BEGAN_AT - 10 * DAY_MS })),
        guests: [
          guest(100, 'qemu', true),
          guest(101, 'qemu', false),
          guest(102, 'lxc', true),
          guest(103, 'qemu', true),
          guest(104, 'qemu', true),
          guest(105, 'qemu', true),
        ],
        tokens: [labToken()],
      },
    ],
    events: [
      { at: at(1, 10), kind: 'start', vmid: 101 },
      { at: at(1, 35), kind: 'stop', vmid: 102 },
      { at: at(1, 40), kind: 'migrate', vmid: 100, to: 's2', takesMs: 15 * SECOND_MS },
      { at: at(2, 5), kind: 'backup', node: 's1', vmids: [103], mode: 'stop', takesMs: 20 * SECOND_MS },
      { at: at(2, 10), kind: 'change', vmid: 101, cores: 4, memoryBytes: 2 ** 32, name: 'larger' },
      { at: at(2, 40), kind: 'stop', vmid: 104 },
      { at: at(2, 45), kind: 'destroy', vmid: 104 },
      {
        at: at(2, 50),
        kind: 'create',
        node: 's1',
        guest: { vmid: 104, type: 'qemu', name: 'another', cores: 1, memoryBytes: 2 ** 30 },
        start: true,
      },
      { at: at(3, 5), kind: 'poweroff', vmid: 105 },
      { at: at(3, 8), kind: 'clone', vmid: 105, toVmid: 106, name: 'copy' },
      { at: at(6), kind: 'start', vmid: 102 },
    ],
    faults: [{ from: at(3, 25), to: at(3, 45), node: 's2', fault: { kind: 'unauthorized' } }],
  };
}

/**
 * A series of sixteen polls: starts and stops, a live migration, a backup in stop mode, a resize, a VMID that is destroyed and
 * used again, a power-off that only the journal tells, a clone, a node that refuses us, and a manager that was down.
 */
export function shortSeries(): Promise<Recording> {
  const rounds = [at(1), at(1, 30), at(2), at(2, 30), at(3), at(3, 30), at(10), at(10, 30)];
  return recordPolls(scenario(), { from: at(1), rounds, intervalMs: 30 * SECOND_MS });
}
