import type { ClusterState } from '../core/cluster-state.js';
import { bearerOf } from '../core/agent-words.js';
import { guestKey, type StoredSession } from '../core/guest.js';
import type { AgentAnswer, AgentCall } from '../core/ingest.js';
import type { Window } from '../core/window.js';
import type { WrittenGuest } from '../ledger/stores/change.js';
import type { AgentNode } from './agent-nodes.js';

/** The answer of a call that changed nothing. */
function emptyAnswer(node: Pick<AgentNode, 'id' | 'name'>): AgentAnswer {
  return {
    nodeId: node.id,
    nodeName: node.name,
    sessionId: null,
    durationMs: null,
    wasRunning: false,
    processedCount: 0,
    startedCount: 0,
    stoppedCount: 0,
    isSyncDue: false,
  };
}

/** What a call is answered, once it is taken into the state (wire-contract.md, "Ingest"). */
export function answerTo(
  call: AgentCall,
  node: AgentNode,
  window: Window,
  written: readonly WrittenGuest[],
  state: ClusterState,
  isSyncDue: boolean,
): AgentAnswer {
  const answer = emptyAnswer(node);
  const { word } = call;
  if (word.kind === 'heartbeat') return { ...answer, isSyncDue };
  if (word.kind === 'register') return answer;
  if (word.kind === 'states') {
    return { ...answer, processedCount: word.rows.length, ...countsOf(written) };
  }
  const type = word.kind === 'start' ? word.type : bearerOf(word.vmid, node.id, state);
  const sessions = type === null ? [] : (state.guests.get(guestKey(type, word.vmid))?.sessions ?? []);
  const created = written.flatMap(({ difference }) => difference.created.map((one) => one.id));
  if (word.kind === 'start') {
    const session = sessionAt(sessions, window.latest);
    const isNew = session !== null && created.includes(session.id);
    return { ...answer, sessionId: session?.id ?? null, wasRunning: session !== null && !isNew };
  }
  const ended = written.flatMap(({ difference }) => difference.updated.map(({ after }) => after.id));
  const session = sessions.findLast((one) => ended.includes(one.id) && one.session.end !== null) ?? null;
  const { start, end } = session?.session ?? { start: null, end: null };
  const durationMs = start === null || end === null ? null : end.at - start.at;
  return { ...answer, sessionId: session?.id ?? null, durationMs };
}

function sessionAt(sessions: readonly StoredSession[], at: number): StoredSession | null {
  return (
    sessions.findLast(({ session }) => session.start.at <= at && (session.end === null || at <= session.end.latest)) ??
    null
  );
}

function countsOf(written: readonly WrittenGuest[]): Pick<AgentAnswer, 'startedCount' | 'stoppedCount'> {
  let [startedCount, stoppedCount] = [0, 0];
  for (const { difference } of written) {
    startedCount += difference.created.length;
    stoppedCount += difference.updated.filter(
      ({ before, after }) => before.end === null && after.session.end !== null,
    ).length;
  }
  return { startedCount, stoppedCount };
}
