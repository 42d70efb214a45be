import type { Clock } from '../clock.js';
import { reportFrom, type AgentReport } from '../core/agent-report.js';
import { bearerOf } from '../core/agent-words.js';
import type { ClusterState } from '../core/cluster-state.js';
import { guestKey, type GuestState, type StoredSession } from '../core/guest.js';
import { ConflictError, type ManualStart, type ManualStop, type Speaker } from '../core/management.js';
import { newNodeState } from '../core/node-state.js';
import type { GuestType } from '../core/observation.js';
import { commitGuests } from '../core/reconcile.js';
import { seenByPolls, takeTold, type Told } from '../core/told.js';
import { writeAudit } from '../ledger/access.js';
import type { Database, Trx } from '../ledger/database.js';
import { agentOf } from '../ledger/stores/agents.js';
import { writeGuests } from '../ledger/stores/change.js';
import { updateNode } from '../ledger/stores/clusters.js';
import { contactBefore } from '../ledger/stores/contacts.js';
import type { AgentNode, AgentNodes } from './agent-nodes.js';
import type { ClusterLedger } from './cluster-ledger.js';
import type { WriteQueue } from './write-queue.js';

/** What the desks of people's changes need. */
export interface DeskParts {
  db: Database;
  clock: Clock;
  queue: WriteQueue;
  nodes: AgentNodes;
  ledgerOf: (clusterId: number) => Promise<ClusterLedger>;
  /** True where an entry of the configuration leads to the node. */
  isPolled: (nodeId: number) => boolean;
}

/** Takes people's word that a guest runs, or runs no more, as facts beside those of polls and agents (ledger rule 25). */
export class ManualDesk {
  constructor(private readonly parts: DeskParts) {}

  /** The guest's session from now on; the one under way where it runs already. An unknown node or guest is made. */
  async start(wish: ManualStart): Promise<{ sessionId: number; isNew: boolean }> {
    const node = await this.parts.nodes.nodeFor(wish);
    return this.parts.queue.call(node.ledger, (trx, ledger) => this.takeStart(trx, ledger, node, wish));
  }

  private async takeStart(
    trx: Trx,
    ledger: ClusterLedger,
    node: AgentNode,
    { vmid, user, speaker }: ManualStart,
  ): Promise<{ sessionId: number; isNew: boolean }> {
    const type = bearerOf(vmid, node.id, ledger.state) ?? 'qemu';
    const guest = ledger.state.guests.get(guestKey(type, vmid));
    const running = openSession(guest);
    if (running !== null) return { sessionId: running.id, isNew: false };
    if ((guest?.lives.at(-1)?.destroyed ?? null) !== null) throw new ConflictError(`VM ${vmid} was destroyed.`);
    if (guest !== undefined && seenByPolls(guest, ledger.state) === 'stopped') {
      throw new ConflictError(`VM ${vmid} is seen stopped on its node: what Proxmox says counts.`);
    }
    const contactBeforeAt = await this.contactOf(trx, node.id, node.source);
    const report = { ...this.reportOf(node.id, 'running', guest, contactBeforeAt), actor: user ?? speaker.actor };
    const after = await this.take(trx, ledger, { type, vmid, name: null, report });
    const session = openSession(after);
    if (session === null) throw new ConflictError(`VM ${vmid} is known to have stopped since.`);
    // Nobody asks it anything, so nothing failed.
    if (node.source === 'push') await updateNode(trx, node.id, { health: 'online' });
    await this.note(trx, speaker, 'session.start', session.id, { vm_id: String(vmid), node: node.name, user });
    return { sessionId: session.id, isNew: true };
  }

  /** Ends the session now. */
  async stop(wish: ManualStop): Promise<void> {
    const ledger = await this.parts.ledgerOf(wish.clusterId);
    await this.parts.queue.call(ledger, (trx) => this.takeStop(trx, ledger, wish));
  }

  private async takeStop(trx: Trx, ledger: ClusterLedger, { sessionId, speaker }: ManualStop): Promise<void> {
    const guest = [...ledger.state.guests.values()].find((one) => openSession(one)?.id === sessionId);
    const session = openSession(guest);
    if (guest === undefined || session === null) throw new ConflictError(`Session ${sessionId} has ended already.`);
    const { type, vmid } = guest;
    if (seenByPolls(guest, ledger.state) === 'running') {
      throw new ConflictError(`VM ${vmid} is seen running on its node: what Proxmox says counts.`);
    }
    const nodeId = session.session.segments.at(-1)?.nodeId ?? guest.nodeId;
    const contactBeforeAt = await this.contactOf(trx, nodeId, 'push');
    const report = { ...this.reportOf(nodeId, 'stopped', guest, contactBeforeAt), actor: speaker.actor };
    const after = await this.take(trx, ledger, { type, vmid, name: null, report });
    if (openSession(after)?.id === sessionId) throw new ConflictError(`VM ${vmid} is known to have run since.`);
    await this.note(trx, speaker, 'session.stop', sessionId, { vm_id: String(vmid) });
  }

  /** The word is of now; of two in one millisecond the second is the later. */
  private reportOf(
    nodeId: number,
    state: 'running' | 'stopped',
    guest: GuestState | undefined,
    contactBeforeAt: number | null,
  ): AgentReport {
    const last = Math.max(...(guest?.reports ?? []).map(({ window }) => window.latest), 0);
    const at = Math.max(this.parts.clock.now(), last + 1);
    const window = { earliest: at, latest: at };
    return reportFrom({ nodeId, source: 'manual', state, isEdge: true, contactBeforeAt, window, uptimeS: null });
  }

  private async contactOf(trx: Trx, id: number, source: AgentNode['source']): Promise<number | null> {
    const { contactAt } = await agentOf(trx, id);
    return contactBefore(trx, { id, source }, contactAt, this.parts.clock.now());
  }

  private async take(trx: Trx, ledger: ClusterLedger, told: Told): Promise<GuestState | undefined> {
    const now = this.parts.clock.now();
    const { nodeId } = told.report;
    const node = ledger.state.nodes.get(nodeId) ?? newNodeState(nodeId, '');
    const changes = takeTold(ledger.state, node, [told], now);
    await writeGuests(trx, ledger.clusterId, changes, now);
    commitGuests(ledger.state, changes);
    return guestOf(ledger.state, told);
  }

  private note(trx: Trx, speaker: Speaker, action: string, sessionId: number, after: unknown): Promise<void> {
    const subject = `session ${sessionId}`;
    return writeAudit(trx, { ...speaker, at: this.parts.clock.now(), action, subject, after });
  }
}

function guestOf(state: ClusterState, { type, vmid }: { type: GuestType; vmid: number }): GuestState | undefined {
  return state.guests.get(guestKey(type, vmid));
}

function openSession(guest: GuestState | undefined): StoredSession | null {
  const last = guest?.sessions.at(-1);
  return last?.session.end === null ? last : null;
}
