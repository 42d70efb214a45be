import type { GuestSettings } from './life.js';
import { hashOf, uuidFrom } from './random.js';
import type { Scenario, ScenarioGuest } from './scenario.js';

/** The config of a guest as a scenario describes it; what it leaves open comes from the seed. */
export function settingsOf(scenario: Scenario, cluster: string, guest: Omit<ScenarioGuest, 'node'>): GuestSettings {
  const createdAt = guest.createdAt ?? scenario.beganAt;
  const hash = hashOf(scenario.seed, cluster, guest.vmid, createdAt);
  const octets = [16, 8, 0].map((shift) => ((hash >>> shift) & 0xff).toString(16).padStart(2, '0').toUpperCase());
  return {
    name: guest.name,
    cores: guest.cores,
    memoryBytes: guest.memoryBytes,
    tags: guest.tags ?? null,
    pool: guest.pool ?? null,
    isTemplate: guest.isTemplate ?? false,
    isOnBoot: guest.isOnBoot ?? true,
    isHa: guest.isHa ?? false,
    uuid:
      guest.type === 'lxc'
        ? null
        : guest.uuid === undefined
          ? uuidFrom(scenario.seed, cluster, guest.vmid, createdAt)
          : guest.uuid,
    createdTimeS: Math.floor(createdAt / 1000),
    hwaddr: `BC:24:11:${octets.join(':')}`,
    rootfs: `local-lvm:vm-${guest.vmid}-disk-0`,
  };
}
