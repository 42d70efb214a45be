import type { NodeObservation } from '../src/core/observation.js';
import type { LedgerSession } from '../src/simulator/auditor.js';

/**
 * The meter that the ledger is compared with: it stamps a change when it notices it, and closes a session when the guest is
 * absent from its node's list or listed by another node. It knows of no task, no uptime and no QEMU state.
 */
export class PlainPoller {
  readonly sessions: LedgerSession[] = [];
  private readonly open = new Map<string, { node: string; session: LedgerSession }>();

  /** Takes the lists that were seen in one poll of one node. */
  take(cluster: string, observation: NodeObservation): void {
    for (const type of ['qemu', 'lxc'] as const) {
      const list = observation[type];
      if (list?.kind !== 'seen') continue;
      const rows = list.value.filter((row) => row.status === 'running' && !row.isTemplate);
      const running = new Set(rows.map((row) => `${cluster}/${type}/${row.vmid}`));
      for (const [key, { node }] of [...this.open]) {
        const isOfList = key.startsWith(`${cluster}/${type}/`);
        if (isOfList && (node === observation.node ? !running.has(key) : running.has(key))) {
          this.close(key, list.receivedAt);
        }
      }
      for (const row of rows) this.begin(cluster, type, row.vmid, observation.node, list.receivedAt);
    }
  }

  private close(key: string, at: number): void {
    const found = this.open.get(key);
    if (found === undefined) return;
    Object.assign(found.session, { endAt: at, endEarliest: at, endLatest: at, endEvidence: 'poll' });
    this.open.delete(key);
  }

  private begin(cluster: string, type: 'qemu' | 'lxc', vmid: number, node: string, at: number): void {
    const key = `${cluster}/${type}/${vmid}`;
    if (this.open.has(key)) return;
    const session: LedgerSession = {
      cluster,
      type,
      vmid,
      startAt: at,
      startEarliest: at,
      startLatest: at,
      startEvidence: 'poll',
      endAt: null,
      endEarliest: null,
      endLatest: null,
      endEvidence: null,
    };
    this.sessions.push(session);
    this.open.set(key, { node, session });
  }
}
