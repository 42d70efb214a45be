import type { AgentReport } from './agent-report.js';
import type { ClusterState, GuestChange } from './cluster-state.js';
import { deriveGuest, toldSpans } from './derive-guest.js';
import { emptyProfile, guestKey, newGuest, type GuestState } from './guest.js';
import { livesOf } from './lives.js';
import type { NodeState } from './node-state.js';
import type { Exchange, GuestType } from './observation.js';
import type { Span } from './span.js';

/** What was said of one guest. */
export interface Told {
  type: GuestType;
  vmid: number;
  name: string | null;
  report: AgentReport;
}

/** The guests of the cluster that these words change, with what they now yield; leaves `state` as it is. */
export function takeTold(state: ClusterState, node: NodeState, words: readonly Told[], asOf: number): GuestChange[] {
  const touched = new Map<string, GuestState>();
  for (const told of words) {
    const key = guestKey(told.type, told.vmid);
    const guest = touched.get(key) ?? state.guests.get(key) ?? firstTold(told);
    touched.set(key, withTold(guest, told));
  }
  return changesOf(state, node, touched, asOf);
}

/**
 * The guests of the cluster that a contact changes which arrived after later words of the agent: it is the last one before them,
 * and proves that what was said before still held (ledger rule 22).
 */
export function takeLateContact(state: ClusterState, node: NodeState, at: number, asOf: number): GuestChange[] {
  const touched = new Map<string, GuestState>();
  for (const [key, guest] of state.guests) {
    const reports = (guest.reports ?? []).map((report) =>
      isAfterContact(report, node.id, at) ? { ...report, contactBeforeAt: at } : report,
    );
    if (reports.some((report, k) => report !== guest.reports?.[k])) touched.set(key, { ...guest, reports });
  }
  return changesOf(state, node, touched, asOf);
}

function isAfterContact({ nodeId, window, contactBeforeAt }: AgentReport, ofNode: number, at: number): boolean {
  return nodeId === ofNode && window.latest > at && (contactBeforeAt ?? Number.NEGATIVE_INFINITY) < at;
}

function changesOf(
  state: ClusterState,
  node: NodeState,
  touched: ReadonlyMap<string, GuestState>,
  asOf: number,
): GuestChange[] {
  const nodeOf = (id: number): NodeState | undefined => (id === node.id ? node : state.nodes.get(id));
  return [...touched].map(([key, guest]) => {
    const isOfPolls = isPulled(guest);
    const spanned = isOfPolls ? guest : withSpansOf(guest, nodeOf);
    const after = { ...spanned, lives: livesOf(spanned) };
    const derived = deriveGuest(after, nodeOf, asOf, isOfPolls ? undefined : spanned.spans);
    return { key, before: state.guests.get(key) ?? null, after, derived };
  });
}

/** True where polls saw the guest, or its node's log tells of it: then an agent's word is heard only where they were blind (ledger rule 22). */
export function isPulled(guest: Pick<GuestState, 'spans' | 'tasks'>): boolean {
  return guest.tasks.length > 0 || guest.spans.some((span) => span.source === undefined);
}

/** What polls see of the guest now; null where its node was not seen at its last poll, or where no poll ever told of it. */
export function seenByPolls(guest: GuestState, { nodes }: Pick<ClusterState, 'nodes'>): Span['state'] | null {
  const last = guest.spans.at(-1);
  if (!guest.isOpen || last === undefined || last.source !== undefined) return null;
  const node = nodes.get(last.nodeId);
  return node === undefined || node.gap !== null ? null : last.state;
}

function firstTold({ type, vmid, name, report }: Told): GuestState {
  const seen = { nodeId: report.nodeId, firstSeenAt: report.window.latest, profile: { ...emptyProfile, name } };
  return newGuest(type, vmid, seen);
}

function withTold(guest: GuestState, { name, report }: Told): GuestState {
  const reports = [...(guest.reports ?? []), report];
  if (isPulled(guest)) return { ...guest, reports };
  const nodeId = report.state === 'running' ? report.nodeId : guest.nodeId;
  return { ...guest, reports, nodeId, profile: { ...guest.profile, name: name ?? guest.profile.name } };
}

/** The reports as stored spans, which pages and `proven_until` read; rows carry over by where they begin. */
function withSpansOf(guest: GuestState, nodeOf: (id: number) => NodeState | undefined): GuestState {
  const told = toldSpans(guest, nodeOf);
  const free = [...guest.spans];
  const spans = told.map((span): Span => {
    const k = free.findIndex((one) => one.state === span.state && one.first.receivedAt === span.first.receivedAt);
    const [known] = k < 0 ? [] : free.splice(k, 1);
    // What is as it was stays the same object, and is not written again.
    return known !== undefined && isSameTold(known, span) ? known : { ...span, id: known?.id ?? null };
  });
  // What is left over lends its rows, so that none stays behind.
  for (const span of spans) if (span.id === null) span.id = free.shift()?.id ?? null;
  const last = spans.at(-1);
  const isSure = (guest.reports ?? []).at(-1)?.state !== 'unknown';
  return { ...guest, spans, isOpen: last !== undefined && isSure };
}

function isSameTold(known: Span, span: Span): boolean {
  const isSameStart = known.start?.earliest === span.start?.earliest && known.start?.latest === span.start?.latest;
  const isSameTime = isSameExchange(known.first, span.first) && isSameExchange(known.last, span.last) && isSameStart;
  const isSameWord = known.source === span.source && (known.actor ?? null) === (span.actor ?? null);
  return isSameTime && isSameWord && known.nodeId === span.nodeId && known.isYoung === span.isYoung;
}

function isSameExchange(a: Exchange, b: Exchange): boolean {
  return a.sentAt === b.sentAt && a.receivedAt === b.receivedAt;
}
