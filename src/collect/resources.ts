import type { Clock } from '../clock.js';
import { guestKey } from '../core/guest.js';
import { fetchResources } from '../proxmox/observe.js';
import type { ClusterLedger } from './cluster-ledger.js';
import type { Route } from './member.js';

/** Asks each cluster once an interval for what only its resources tell: pools, and the states of VMs (ledger rules 2 and 17). */
export class ResourceReader {
  /** The questions under way. */
  private readonly asking = new Map<ClusterLedger, Promise<void>>();

  constructor(private readonly clock: Clock) {}

  /** Asks all clusters; a failure costs nothing but the freshness of what they would have told. */
  async askAll(routes: ReadonlyMap<ClusterLedger, Route>): Promise<void> {
    const asked = [...routes].map(([ledger, route]) => {
      const asking = this.ask(ledger, route).finally(() => this.asking.delete(ledger));
      this.asking.set(ledger, asking);
      return asking;
    });
    await Promise.all(asked);
  }

  /** The question to this cluster that is under way, if one is. */
  underWay(ledger: ClusterLedger): Promise<void> | undefined {
    return this.asking.get(ledger);
  }

  private async ask(ledger: ClusterLedger, { api, entry }: Route): Promise<void> {
    const answer = await fetchResources(api, this.clock);
    if (answer.kind !== 'seen') return;
    const { sentAt, receivedAt } = answer;
    const { state } = ledger;
    for (const row of answer.value) {
      const key = guestKey(row.type, row.vmid);
      // A token without Pool.Audit is shown guests without their pools (proxmox-api.md, section 3).
      if (row.pool !== null || entry.seesPools) state.pools.set(key, row.pool);
      (state.told ??= new Map()).set(key, { row, sentAt, receivedAt });
    }
  }
}
