import type { NodeConfig } from '../config/config.js';
import type { ProxmoxApi } from '../proxmox/client.js';
import type { ClusterLedger } from './cluster-ledger.js';

/** A way to a node: a server that is asked, and whether that is the node itself. */
export interface Route {
  api: ProxmoxApi;
  isDirect: boolean;
  /** The config entry whose token it uses. */
  entryName: string;
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
  /** In the order in which they are tried; never empty. */
  routes: Route[];
  /** UPIDs seen finished, newest last, so that reading the log can stop. */
  known: Set<string>;
  /** When its status was last asked, and whether the last poll failed. */
  statusAskedAt: number | null;
  isFailing: boolean;
  /** Privileges that the token lacks, as a sentence; null when none does. */
  missing: string | null;
  /** The poll under way. */
  polling: Promise<unknown> | null;
  /** Polls made, the index of the dither's sequence. */
  pollCount: number;
}

/** An entry of `nodes:` and what its server told. */
export interface Entry {
  config: NodeConfig;
  api: ProxmoxApi;
  /** Null until its server answered for the first time. */
  localNode: string | null;
  clusterId: number | null;
}
