import { agentSpans } from './agent-spans.js';
import { spansOfBoth } from './both-spans.js';
import { derive, type Derived } from './derive.js';
import { withFrozenStart } from './freeze.js';
import { spansUntil, type GuestState } from './guest.js';
import { confirmedGone } from './identity.js';
import type { NodeState } from './node-state.js';
import { endingAt, type Session } from './session.js';
import { stoppedSpan, type Span } from './span.js';
import { concerns } from './task.js';
import type { Window } from './window.js';

/**
 * The sessions of one guest from all that is known of it and of the nodes it was on. `told` is what its reports amount to, for
 * who knows that already.
 */
export function deriveGuest(
  guest: GuestState,
  nodeOf: (id: number) => NodeState | undefined,
  asOf: number,
  told: readonly Span[] = toldSpans(guest, nodeOf),
): Derived {
  const node = nodeOf(guest.nodeId);
  const gone = confirmedGone(guest);
  const pulled = spansUntil(guest, node?.lastSeen[guest.type] ?? null, node?.statesSeen);
  const seen = spansOfBoth(
    pulled.filter((span) => span.source === undefined),
    told,
  );
  const spans = gone === null ? seen : [...seen, goneSpan(guest.nodeId, gone)];
  const nodeIds = [...new Set([...spans.map((span) => span.nodeId), ...guest.tasks.map((task) => task.nodeId)])];
  // A backup of several guests is logged once for the node (proxmox-api.md, trap 21).
  const nodeTasks = nodeIds
    .flatMap((id) => nodeOf(id)?.tasks ?? [])
    .filter((task) => concerns(task, guest.vmid) && task.start.latest >= (guest.frozenAt ?? Number.NEGATIVE_INFINITY));
  const derived = derive({
    type: guest.type,
    spans,
    tasks: nodeTasks.length === 0 ? guest.tasks : [...guest.tasks, ...nodeTasks],
    boots: nodeIds.flatMap((nodeId) => (nodeOf(nodeId)?.boots ?? []).map((at) => ({ nodeId, at }))),
    coverageSince: new Map(nodeIds.map((id) => [id, nodeOf(id)?.coverageSince ?? asOf])),
    journal: guest.journal,
    rrd: guest.rrd,
    asOf,
  });
  const sessions = withFrozenStart(derived.sessions, guest);
  const ended = gone === null ? sessions : sessions.map((one) => endedByGone(one, gone));
  return { ...derived, sessions: endedByRemoval(ended, spans, nodeOf) };
}

/** What agents and people told of the guest, as spans. */
export function toldSpans(guest: GuestState, nodeOf: (id: number) => NodeState | undefined): Span[] {
  const reports = guest.reports ?? [];
  if (reports.length === 0) return [];
  const contacts = new Map<number, number>();
  for (const { nodeId } of reports) {
    const contactAt = nodeOf(nodeId)?.contactAt ?? null;
    if (contactAt !== null) contacts.set(nodeId, contactAt);
  }
  return agentSpans(reports, contacts);
}

/** Nobody looks at a removed node: what ran there is charged up to its last proof, and how long it really ran is unknown (ledger rule 24). */
function endedByRemoval(
  sessions: Session[],
  spans: readonly Span[],
  nodeOf: (id: number) => NodeState | undefined,
): Session[] {
  const [session, span] = [sessions.at(-1), spans.at(-1)];
  const node = nodeOf(session?.segments.at(-1)?.nodeId ?? -1);
  const removedAt = node?.removedAt ?? null;
  if (session === undefined || session.end !== null || removedAt === null || node === undefined) return sessions;
  if (node.isReinstalled === true) return [...sessions.slice(0, -1), endedByInstall(session, span, removedAt)];
  // A person's word that nobody looked at since counted to now until then.
  const isUnwatched = span?.source === 'manual' && (node.contactAt ?? 0) <= span.first.receivedAt;
  const proven = isUnwatched || span?.state !== 'running' ? removedAt : span.last.sentAt;
  const at = Math.min(Math.max(proven, session.start.at), Math.max(removedAt, session.start.at));
  const edge = { at, earliest: at, latest: Math.max(at, removedAt), evidence: 'manual', upid: null } as const;
  const end = { ...edge, proofs: ['the last proof of running', 'the node was removed'] };
  return [...sessions.slice(0, -1), { ...endingAt(session, end), endReason: 'removed' }];
}

/** Nothing outlives the installation of its node: it ended between its last proof and the boot of the new system (ledger rule 24). */
function endedByInstall(session: Session, span: Span | undefined, bootedBy: number): Session {
  const provenAt = span?.state === 'running' ? span.last.sentAt : session.start.at;
  const at = Math.max(provenAt, session.start.at);
  const edge = { at, earliest: at, latest: Math.max(at, bootedBy), evidence: 'boot', upid: null } as const;
  const end = { ...edge, proofs: ['the last proof of running', 'the node was installed anew'] };
  return { ...endingAt(session, end), endReason: 'reinstalled' };
}

/** What has no config any more does not run: as good as a sample of stopped. */
function goneSpan(nodeId: number, gone: Window): Span {
  return stoppedSpan(nodeId, { sentAt: gone.earliest, receivedAt: gone.latest });
}

/** The session that ended with its guest, whose end nothing else told. */
function endedByGone(session: Session, gone: Window): Session {
  const isByGone = session.end?.latest === gone.latest && session.endReason === 'unlogged';
  return isByGone ? { ...session, endReason: 'destroy' } : session;
}
