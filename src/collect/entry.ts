import type { Clock } from '../clock.js';
import type { Config, NodeConfig } from '../config/config.js';
import type { ClusterDiscovery, Seen } from '../core/observation.js';
import type { Log } from '../log.js';
import { createClient, type ProxmoxApi } from '../proxmox/client.js';
import { discoverCluster, probePermissions } from '../proxmox/cluster.js';
import type { Entry } from './member.js';

const DISCOVER_MS = 5 * 60_000;
const PROBE_MS = 24 * 3_600_000;

export interface ClientOptions {
  polling: Config['polling'];
  clock: Clock;
  log: Log;
  trustedFingerprints: () => ReadonlySet<string>;
}

/** A client of the server at `host` with the token of an entry; `fingerprint` pins another leaf than the entry's own. */
export function clientOf(
  config: NodeConfig,
  { host, fingerprint }: { host: string; fingerprint: string | null },
  { polling, clock, log, trustedFingerprints }: ClientOptions,
): ProxmoxApi {
  const { port, user, tokenName, tokenValue } = config;
  const trust = fingerprint === null ? config.trust : { kind: 'fingerprint' as const, sha256: fingerprint };
  const timeoutMs = polling.timeoutSeconds * 1000;
  return createClient(
    { host, port, user, tokenName, tokenValue, trust, timeoutMs },
    { clock, log, trustedFingerprints },
  );
}

/** True when the server is to be asked who it is: at start, every five minutes, and at each round while it does not answer. */
export function isDue({ askedAt, error }: Entry, now: number): boolean {
  return askedAt === null || error !== null || now - askedAt >= DISCOVER_MS;
}

/** Asks an entry's server who it and its cluster are and, once a day, what the token may do there. */
export async function interview(entry: Entry, clock: Clock): Promise<Seen<ClusterDiscovery>> {
  const answer = await discoverCluster(entry.api, clock);
  entry.askedAt = clock.now();
  if (answer.kind !== 'seen') return answer;
  if (entry.probedAt !== null && entry.askedAt - entry.probedAt < PROBE_MS) return answer;
  const probe = await probePermissions(entry.api, answer.value.localNode, clock);
  if (probe.kind !== 'seen') return answer;
  entry.probedAt = entry.askedAt;
  const missing = probe.value.missing.filter((one) => one.privilege !== 'Pool.Audit');
  entry.seesPools = missing.length === probe.value.missing.length;
  const named = missing.map((one) => `${one.privilege} on ${one.path}`).join(', ');
  entry.missing = missing.length === 0 ? null : `the token lacks ${named}`;
  return answer;
}
