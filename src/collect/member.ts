import type { NodeConfig } from '../config/config.js';
import type { NodeObservation } from '../core/observation.js';
import type { ProxmoxApi } from '../proxmox/client.js';
import type { ClusterLedger } from './cluster-ledger.js';

/** A way to a node: a server that is asked, and whether that is the node itself. */
export interface Route {
  api: ProxmoxApi;
  isDirect: boolean;
  /** The config entry whose token it uses. */
  entry: Entry;
}

/** A node that we poll. */
export interface Member {
  /** Our row's id. */
  nodeId: number;
  /** Its name on the wire. */
  name: string;
  /** Its name in Proxmox. */
  node: string;
  ledger: ClusterLedger;
  /** Its own entry, the address that its cluster names, then other entries of its cluster; never empty. */
  routes: Route[];
  /** Ways that failed where another one worked, and until when they are passed over. */
  avoidedUntil: Map<ProxmoxApi, number>;
  /** UPIDs seen finished, newest last, so that reading the log can stop. */
  known: Set<string>;
  /** When its status was last asked, and whether the last poll failed. */
  statusAskedAt: number | null;
  isFailing: boolean;
  /** The poll under way. */
  polling: Promise<unknown> | null;
  /** Polls made, the index of the dither's sequence. */
  pollCount: number;
}

/** An entry of `nodes:` and what its server told. */
export interface Entry {
  config: NodeConfig;
  /** Which row of the database it is from, and at which of its changes; null: it stands in the configuration. */
  stored: { id: number; revision: number } | null;
  api: ProxmoxApi;
  /** For questions about other nodes of its cluster, which may hang: they must not take the places of its own. */
  through: ProxmoxApi;
  /** Null until its server answered for the first time. */
  localNode: string | null;
  clusterId: number | null;
  /** When its server was last asked who it is; null: never. */
  askedAt: number | null;
  /** Why that failed; null where it did not. */
  error: string | null;
  /** The question under way, and it's over when the permissions are known too. */
  asking: Promise<void> | null;
  /** Privileges that its token lacks, as a sentence; null when none does. */
  missing: string | null;
  /** True where its token is known to see pools: only then does a guest without one in the cluster's list have none. */
  seesPools: boolean;
  probedAt: number | null;
}

/** Finished UPIDs remembered per node: two pages of the log are enough to meet one. */
const KNOWN_UPIDS = 2_000;

/** Only what is written counts as known: a log read in vain is read again. */
export function remember(member: Member, observation: NodeObservation): void {
  if (observation.tasks.kind !== 'seen') return;
  for (const row of observation.tasks.value.rows.toReversed()) if (row.endTimeS !== null) member.known.add(row.upid);
  for (const upid of member.known) {
    if (member.known.size <= KNOWN_UPIDS) break;
    member.known.delete(upid);
  }
}
