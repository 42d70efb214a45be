import type { Clock } from '../clock.js';
import { judgeStamp, offsetAfter } from '../core/agent-clock.js';
import { READING_AGE_MS } from '../core/agent-report.js';
import { toldBy } from '../core/agent-words.js';
import { AgentCallError, type AgentAnswer, type AgentCall } from '../core/ingest.js';
import type { NodeState } from '../core/node-state.js';
import { newNodeState } from '../core/node-state.js';
import { commitGuests } from '../core/reconcile.js';
import { takeLateContact, takeTold } from '../core/told.js';
import type { Window } from '../core/window.js';
import type { Trx } from '../ledger/database.js';
import {
  agentOf,
  answerOf,
  writeAgent,
  writeEvent,
  writeLateContact,
  type NodeAgent,
} from '../ledger/stores/agents.js';
import { writeGuests } from '../ledger/stores/change.js';
import { contactBefore, writeContact } from '../ledger/stores/contacts.js';
import type { NodeFields } from '../ledger/stores/clusters.js';
import { answerTo } from './agent-answer.js';
import type { AgentNode, AgentNodes } from './agent-nodes.js';
import type { ClusterLedger } from './cluster-ledger.js';
import type { WriteQueue } from './write-queue.js';

interface DeskParts {
  clock: Clock;
  queue: WriteQueue;
  nodes: AgentNodes;
}

/** Takes push agents' calls into the ledger: each becomes facts of guests, and the same derive as for polls does the rest (ledger rule 22). */
export class AgentDesk {
  constructor(private readonly parts: DeskParts) {}

  /** Resolves when the call is committed; rejects with AgentCallError where it cannot be taken. */
  async accept(call: AgentCall): Promise<AgentAnswer> {
    const { queue, nodes } = this.parts;
    const node = await nodes.nodeFor(call);
    return queue.call(node.ledger, (trx, ledger) => this.take(trx, ledger, node, call));
  }

  private async take(trx: Trx, ledger: ClusterLedger, node: AgentNode, call: AgentCall): Promise<AgentAnswer> {
    if (call.eventId !== null) {
      const told = await answerOf(trx, node.id, call.eventId);
      if (told !== null) return told;
    }
    const agent = await agentOf(trx, node.id);
    const { window, sentence } = stampedWindow(call, agent);
    const now = this.parts.clock.now();
    const state = ledger.state.nodes.get(node.id) ?? newNodeState(node.id, node.name);
    const contactBeforeAt = await contactBefore(trx, node, agent.contactAt, window.latest);
    const told = toldBy(call.word, { nodeId: node.id, window, contactBeforeAt }, ledger.state);
    const contacted = isContact(call) ? withContact(state, node, window.latest) : state;
    if (isContact(call) && isLate(call, agent, window)) {
      await this.takeLate(trx, ledger, contacted, window.latest);
    }
    const changes = takeTold(ledger.state, contacted, told, now);
    const written = await writeGuests(trx, ledger.clusterId, changes, now);
    commitGuests(ledger.state, changes);
    ledger.state.nodes.set(node.id, contacted);
    const answer = answerTo(call, node, window, written, ledger.state, agent.isSyncDue);
    await this.writeTraces(trx, node, call, { window, sentence, agent, answer, now });
    return answer;
  }

  /** What was said after this contact, and arrived before it, rests on it too. */
  private async takeLate(trx: Trx, ledger: ClusterLedger, node: NodeState, at: number): Promise<void> {
    if ((await writeLateContact(trx, node.id, at)) === 0) return;
    const now = this.parts.clock.now();
    const changes = takeLateContact(ledger.state, node, at, now);
    await writeGuests(trx, ledger.clusterId, changes, now);
    commitGuests(ledger.state, changes);
  }

  private async writeTraces(trx: Trx, node: AgentNode, call: AgentCall, traces: Traces): Promise<void> {
    const { window, sentence, agent, answer, now } = traces;
    const isHeartbeat = call.word.kind === 'heartbeat';
    const readsClock = (isHeartbeat || call.word.kind === 'states') && call.sentAt === null && call.stampAt !== null;
    const next: NodeAgent = {
      contactAt: isContact(call) ? Math.max(agent.contactAt ?? 0, window.latest) : agent.contactAt,
      offsetMs: readsClock ? offsetAfter(agent.offsetMs, call.stampAt ?? 0, call.arrivedAt) : agent.offsetMs,
      // Told once, by the heartbeat that asked.
      isSyncDue: agent.isSyncDue && !isHeartbeat,
    };
    await writeAgent(trx, node.id, next, node.source === 'push' ? fieldsTold(call, sentence) : {});
    if (isContact(call)) await writeContact(trx, node, window, now);
    if (!isHeartbeat || call.eventId !== null) await writeEvent(trx, node.id, call, answer);
  }
}

/** What a call tells of a node that nobody polls. */
function fieldsTold({ word }: AgentCall, sentence: string | null): Partial<NodeFields> {
  const isNamed = word.kind === 'register' && word.hostname !== null;
  return { health: 'online', last_error: sentence, ...(isNamed ? { hostname: word.hostname ?? '' } : {}) };
}

interface Traces {
  window: Window;
  sentence: string | null;
  agent: NodeAgent;
  answer: AgentAnswer;
  now: number;
}

/**
 * Registering reads no guest; everything else shows that what was said last still held at its stamp. But who says when it sends a
 * start or a stop may date it by an uptime, earlier than it looked: its heartbeats and snapshots alone are contacts.
 */
function isContact({ word, sentAt }: AgentCall): boolean {
  if (word.kind === 'register') return false;
  return sentAt === null || (word.kind !== 'start' && word.kind !== 'stop');
}

/** Whether what was said after this contact may have arrived before it; an agent that says when it sends also says that it sends late. */
function isLate({ sentAt, arrivedAt }: AgentCall, { contactAt }: NodeAgent, { latest }: Window): boolean {
  return (contactAt !== null && latest < contactAt) || (sentAt !== null && latest < arrivedAt - READING_AGE_MS);
}

function stampedWindow(call: AgentCall, agent: NodeAgent): { window: Window; sentence: string | null } {
  const judged = judgeStamp({ ...call, offsetMs: agent.offsetMs });
  if (judged.kind === 'taken') return { window: judged.window, sentence: null };
  // Who names its events sends them again, and can be told to mend its clock; the agents of the field never do.
  if (call.eventId !== null) throw new AgentCallError('/timestamp', judged.sentence);
  return { window: judged.window, sentence: judged.sentence };
}

function withContact(state: NodeState, { source }: AgentNode, at: number): NodeState {
  const contactAt = Math.max(state.contactAt ?? 0, at);
  if (source === 'pull' || contactAt !== at) return { ...state, contactAt };
  const seen = { sentAt: at - READING_AGE_MS, receivedAt: at };
  return { ...state, contactAt, lastSeen: { qemu: seen, lxc: seen }, lastPollFinishedAt: at };
}
