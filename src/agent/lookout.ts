import type { Clock } from '../clock.js';
import type { ClientConfig } from '../config/client.js';
import type { GuestRow, NodeObservation, Seen } from '../core/observation.js';
import type { Log } from '../log.js';
import { createClient, type ProxmoxApi } from '../proxmox/client.js';
import { discoverCluster, probePermissions } from '../proxmox/cluster.js';
import { observeNode } from '../proxmox/observe.js';
import type { Sight } from './changes.js';

export type Looked = { kind: 'seen'; sight: Sight } | { kind: 'not_seen'; sentence: string };

/** Looks at the node by the manager's own eyes (proxmox/observe). */
export class Lookout {
  private readonly api: ProxmoxApi;
  /** The node's own name in Proxmox; null until it was asked. */
  private node: string | null = null;

  constructor(
    private readonly config: ClientConfig,
    private readonly parts: { clock: Clock; log: Log },
  ) {
    const { node, proxmoxTimeoutSeconds } = config;
    const timeoutMs = proxmoxTimeoutSeconds * 1000;
    this.api = createClient({ ...node, expectedNode: node.name, timeoutMs }, parts);
  }

  /** One look: whole or not at all. A list that fails makes it none, for what is told vouches for all guests of the node. */
  async look(): Promise<Looked> {
    const { clock, log } = this.parts;
    if (this.node === null) {
      const discovery = await discoverCluster(this.api, clock);
      if (discovery.kind === 'not_seen') return { kind: 'not_seen', sentence: discovery.detail };
      this.node = discovery.value.localNode;
    }
    const { trackQemu, trackLxc } = this.config;
    const observation = await observeNode(
      this.api,
      // The task log is not needed: its newest page is enough.
      { node: this.node, trackQemu, trackLxc, isKnownFinished: () => true, askStatus: true, isDirect: true },
      { clock, log },
    );
    const looked = lookedOf(observation);
    // The node may have another name by now, or the address another node.
    if (looked.kind === 'not_seen') this.node = null;
    return looked;
  }

  /** Null where the token may still see these guests, else the sentence: without VM.Audit a list is merely shorter. */
  async permissionFault(vmids: readonly number[]): Promise<string | null> {
    if (this.node === null) return 'the node was not seen';
    const probe = await probePermissions(this.api, this.node, this.parts.clock);
    if (probe.kind === 'not_seen') return probe.detail;
    const concerns = ['/', '/vms', ...vmids.map((vmid) => `/vms/${vmid}`)];
    const missing = probe.value.missing.find((one) => one.privilege === 'VM.Audit' && concerns.includes(one.path));
    return missing === undefined ? null : `the token lacks VM.Audit on ${missing.path}`;
  }

  close(): void {
    this.api.close();
  }
}

function lookedOf({ qemu, lxc, status }: NodeObservation): Looked {
  for (const list of [qemu, lxc]) if (list?.kind === 'not_seen') return { kind: 'not_seen', sentence: list.detail };
  const rowsOf = (list: Seen<GuestRow[]> | null): GuestRow[] => (list?.kind === 'seen' ? list.value : []);
  const exchangeOf = (list: Seen<GuestRow[]> | null): Sight['lists']['qemu'] =>
    list === null ? null : { sentAt: list.sentAt, receivedAt: list.receivedAt };
  return {
    kind: 'seen',
    sight: {
      lists: { qemu: exchangeOf(qemu), lxc: exchangeOf(lxc) },
      rows: [...rowsOf(qemu), ...rowsOf(lxc)],
      nodeUptimeS: status?.kind === 'seen' ? status.value.uptimeS : null,
    },
  };
}
