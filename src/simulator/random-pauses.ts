import type { Random } from './random.js';
import type { Scenario, ScenarioEvent } from './scenario.js';

/**
 * Pauses of the VMs that are there from the beginning, some minutes to hours apart: by hand, by a backup in suspend mode, or of
 * the guest's own, without a task. What is impossible when its time comes fails or is nothing, as it would be.
 */
export function randomPauses(scenario: Scenario, random: Random, endAt: number): ScenarioEvent[] {
  const events: ScenarioEvent[] = [];
  for (const cluster of scenario.clusters) {
    const key = cluster.name ?? cluster.nodes[0]?.name ?? '';
    for (const { vmid, node } of cluster.guests.filter(({ type }) => type === 'qemu')) {
      let at = scenario.beganAt;
      for (;;) {
        at += random.between(10 * 60_000, 90 * 60_000);
        if (at >= endAt) break;
        const lastsMs = random.chance(0.4) ? random.between(1500, 60_000) : random.between(60_000, 15 * 60_000);
        const on = { at, cluster: key, vmid };
        const way = random.next();
        if (way < 0.15) events.push({ at, node, kind: 'backup', vmids: [vmid], mode: 'suspend' });
        else if (way < 0.6) events.push({ ...on, kind: 'pause' }, { ...on, at: at + lastsMs, kind: 'resume' });
        else {
          const state = random.pick(['io-error', 'suspended', 'paused'] as const);
          events.push({ ...on, kind: 'halt', state, takesMs: lastsMs });
        }
        at += lastsMs;
      }
    }
  }
  return events;
}
