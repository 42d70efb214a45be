import type { Random } from './random.js';
import type { Scenario, ScenarioFault } from './scenario.js';

/** Fault windows of seconds to hours on about a tenth of the time, each on one node. */
export function randomFaults(scenario: Scenario, random: Random, endAt: number): ScenarioFault[] {
  const faults: ScenarioFault[] = [];
  for (const cluster of scenario.clusters) {
    for (const { name: node } of cluster.nodes) {
      let at = scenario.beganAt;
      for (;;) {
        at += random.between(600_000, 6 * 3_600_000);
        if (at >= endAt) break;
        const lastsMs = random.chance(0.7) ? random.between(5000, 120_000) : random.between(120_000, 5_400_000);
        const share = random.chance(0.3) ? { share: 0.5 } : {};
        faults.push({
          from: at,
          to: at + lastsMs,
          node,
          ...share,
          ...randomFault(
            random,
            cluster.guests.map((guest) => guest.vmid),
          ),
        });
        at += lastsMs;
      }
    }
  }
  return faults;
}

function randomFault(random: Random, vmids: readonly number[]): Pick<ScenarioFault, 'fault' | 'path'> {
  const path = random.pick([undefined, undefined, '/qemu', '/lxc', '/tasks']);
  const at = path === undefined ? {} : { path };
  const vmid = vmids.length === 0 ? 100 : random.pick(vmids);
  return random.pick<Pick<ScenarioFault, 'fault' | 'path'>>([
    { ...at, fault: { kind: 'status', status: random.pick([500, 501, 503, 595, 596, 597, 599]) } },
    { ...at, fault: { kind: 'hang' } },
    { ...at, fault: { kind: 'cut' } },
    { ...at, fault: { kind: 'garbage' } },
    { ...at, fault: { kind: 'refused' } },
    { ...at, fault: { kind: 'slow', delayMs: random.between(100, 8000) } },
    { fault: { kind: 'unauthorized' } },
    { fault: { kind: 'permission_lost', privilege: random.pick(['VM.Audit', 'Sys.Audit']) } },
    { fault: { kind: 'config_vanished', vmid }, path: '/qemu' },
    { fault: { kind: 'host_uptime', vmid }, path: '/lxc' },
  ]);
}
