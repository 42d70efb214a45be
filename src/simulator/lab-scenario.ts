import type { Scenario, ScenarioCluster, ScenarioGuest, ScenarioToken } from './scenario.js';

const gib = 2 ** 30;
const minuteMs = 60_000;

/** What a meter needs, and no more (proxmox-api.md 5). */
export const meterPrivileges: readonly string[] = ['VM.Audit', 'Sys.Audit', 'Pool.Audit'];

/** The token that the ready-made scenarios accept: it may read all, and start and stop guests by hand. */
export function labToken(): ScenarioToken {
  return {
    user: 'tracker@pve',
    tokenName: 'tracker',
    value: '5e1f0000-feed-4abc-8def-000000000001',
    privileges: [{ path: '/', privileges: [...meterPrivileges, 'Sys.Syslog', 'VM.PowerMgmt'] }],
  };
}

/** A cluster of three nodes with twelve guests, and a standalone node with three. Nothing happens by itself. */
export function labScenario(beganAt: number): Scenario {
  const hourMs = 60 * minuteMs;
  const lab: ScenarioCluster = {
    name: 'lab',
    version: '9.2',
    nodes: [
      { name: 'pve-01', bootedAt: beganAt - 40 * 24 * hourMs },
      { name: 'pve-02', bootedAt: beganAt - 12 * 24 * hourMs, clock: { offsetMs: 1800, driftPpm: 0, steps: [] } },
      { name: 'pve-03', bootedAt: beganAt - 3 * 24 * hourMs, clock: { offsetMs: -700, driftPpm: 0, steps: [] } },
    ],
    guests: [
      guest(100, 'qemu', 'gateway', 'pve-01', 2, 2, beganAt - 39 * 24 * hourMs, 'prod'),
      guest(101, 'qemu', 'db-primary', 'pve-01', 8, 32, beganAt - 20 * 24 * hourMs, 'db;prod'),
      guest(102, 'qemu', 'win-build', 'pve-01', 4, 16, null, 'ci'),
      guest(103, 'lxc', 'dns', 'pve-01', 1, 0.5, beganAt - 39 * 24 * hourMs, 'infra'),
      guest(104, 'qemu', 'vGPU-1', 'pve-02', 8, 32, beganAt - 9 * hourMs, 'gpu'),
      guest(105, 'qemu', 'vGPU-2', 'pve-02', 8, 32, null, 'gpu'),
      guest(106, 'lxc', 'registry', 'pve-02', 2, 4, beganAt - 11 * 24 * hourMs, 'infra'),
      guest(107, 'lxc', 'wiki', 'pve-02', 2, 2, beganAt - 5 * 24 * hourMs, null),
      guest(108, 'qemu', 'student-01', 'pve-03', 2, 4, beganAt - 3 * hourMs, 'students'),
      guest(109, 'qemu', 'student-02', 'pve-03', 2, 4, null, 'students'),
      guest(110, 'lxc', 'runner-01', 'pve-03', 4, 8, beganAt - 50 * minuteMs, 'ci'),
      { ...guest(111, 'qemu', 'debian-template', 'pve-03', 2, 2, null, null), isTemplate: true },
    ],
    tokens: [labToken()],
  };
  const edge: ScenarioCluster = {
    name: null,
    version: '8.4',
    nodes: [
      { name: 'edge-01', bootedAt: beganAt - 100 * 24 * hourMs, clock: { offsetMs: 350, driftPpm: 20, steps: [] } },
    ],
    guests: [
      guest(100, 'qemu', 'router', 'edge-01', 2, 2, beganAt - 99 * 24 * hourMs, null),
      guest(101, 'lxc', 'camera', 'edge-01', 2, 2, beganAt - 2 * hourMs, null),
      guest(102, 'lxc', 'backup', 'edge-01', 1, 1, null, null),
    ],
    tokens: [labToken()],
  };
  return { name: 'lab', seed: 1, beganAt, clusters: [lab, edge], events: [], faults: [] };
}

function guest(
  vmid: number,
  type: ScenarioGuest['type'],
  name: string,
  node: string,
  cores: number,
  memoryGib: number,
  runningSince: number | null,
  tags: string | null,
): ScenarioGuest {
  const pools: Readonly<Record<string, string>> = { students: 'students', gpu: 'research', prod: 'production' };
  const pool = pools[tags?.split(';').pop() ?? ''];
  return {
    vmid,
    type,
    name,
    node,
    cores,
    memoryBytes: memoryGib * gib,
    runningSince,
    isOnBoot: runningSince !== null,
    ...(tags === null ? {} : { tags }),
    ...(pool === undefined ? {} : { pool }),
  };
}
