import { labToken } from './lab-scenario.js';
import type { Scenario, ScenarioGuest } from './scenario.js';

const dayMs = 86_400_000;

/** The world in which the traps are laid; nothing happens in it yet. */
export function trapWorld(beganAt: number, seed: number): Scenario {
  const bootedAt = beganAt - 10 * dayMs;
  const guest = (vmid: number, type: ScenarioGuest['type'], name: string, isRunning: boolean): ScenarioGuest => ({
    vmid,
    type,
    name,
    node: 't1',
    cores: 2,
    memoryBytes: 2 ** 31,
    runningSince: isRunning ? beganAt - dayMs : null,
    isOnBoot: isRunning,
    isHa: vmid === 104,
  });
  return {
    name: 'traps',
    seed: 1000 + seed,
    beganAt,
    clusters: [
      {
        name: 'traps',
        version: '9.2',
        nodes: ['t1', 't2', 't3'].map((name) => ({ name, bootedAt })),
        guests: [
          guest(100, 'qemu', 'vm-runs', true),
          guest(101, 'qemu', 'vm-stopped', false),
          guest(102, 'lxc', 'ct-runs', true),
          guest(103, 'lxc', 'ct-stopped', false),
          guest(104, 'qemu', 'vm-ha', true),
        ],
        tokens: [labToken()],
      },
      { name: null, version: '8.4', nodes: [{ name: 'far-1', bootedAt }], guests: [], tokens: [labToken()] },
    ],
    events: [],
    faults: [],
  };
}
