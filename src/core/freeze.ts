import type { GuestState } from './guest.js';
import type { Session } from './session.js';
import type { Span } from './span.js';
import { concerns, spanOf, type Task } from './task.js';
import { middle, widen, type Window } from './window.js';

/** How long facts are derived again: beyond it a late task is no news any more, and month's statements are long closed. */
export const HORIZON_MS = 40 * 24 * 3_600_000;
/** Around the instant at which facts are cut no task may be under way: its end is stamped up to ten seconds late. */
const CLEAR_MS = 60_000;

/** Where a guest's facts can be cut so that both sides tell the same as together. */
interface Cut {
  /** The first span that is kept. */
  index: number;
  /** Sessions that were over by then are left as they are stored. */
  at: number;
  /** Facts before it need not be loaded again. */
  frozenAt: number;
  /** Tasks that began no later, and are over, tell of what was before. */
  begunBy: number | null;
}

/** The tasks of a node that concern any of its guests. */
export type NodeTasksOf = (nodeId: number) => readonly Task[];

/**
 * The guest without what lies before the newest proof of stopped, or the newest start told by a process's uptime, that is older
 * than the horizon: what ended before it stays as it is stored, and is derived no more. The same guest where there is neither,
 * or nothing lies before it.
 */
export function frozen(guest: GuestState, asOf: number, nodeTasksOf: NodeTasksOf = () => []): GuestState {
  const cut = newestCut(guest, asOf - HORIZON_MS, nodeTasksOf);
  if (cut === null) return guest;
  const { at, begunBy } = cut;
  const sessions = guest.sessions.filter(({ session }) => session.end === null || session.end.at > at);
  const tasks = guest.tasks.filter((task) => (begunBy === null ? endOf(task) >= at : task.start.earliest > begunBy));
  if (cut.index === 0 && sessions.length === guest.sessions.length && tasks.length === guest.tasks.length) return guest;
  const kept = { ...guest, spans: guest.spans.slice(cut.index), tasks, sessions, frozenAt: cut.frozenAt };
  const journal = guest.journal?.filter((mark) => mark.written.latest >= at);
  return { ...kept, identities: identitiesAfter(guest, at), ...(journal === undefined ? {} : { journal }) };
}

/**
 * The sessions with the first start as it is stored, where the guest was frozen at a start: what told it, the end before it and its
 * task, is not among the facts any more.
 */
export function withFrozenStart(sessions: Session[], guest: GuestState): Session[] {
  const stored = guest.sessions[0]?.session;
  const [first, ...rest] = sessions;
  const segment = first?.segments[0];
  if (first === undefined || segment === undefined || stored === undefined) return sessions;
  if (guest.frozenAt === null || stored.start.at !== guest.frozenAt) return sessions;
  const segments = [{ ...segment, startedAt: stored.start.at }, ...first.segments.slice(1)];
  const user = stored.start.upid === null ? first.user : stored.user;
  return [{ ...first, start: stored.start, user, segments }, ...rest];
}

/** What is stored of the guest and still derived: the sessions that `frozen` has left it. */
export function unfrozenSessions(guest: GuestState, kept: GuestState): GuestState {
  if (guest.sessions === kept.sessions) return guest;
  const ids = new Set(kept.sessions.map((one) => one.id));
  return { ...guest, sessions: guest.sessions.filter((one) => ids.has(one.id)) };
}

function newestCut(guest: GuestState, horizon: number, nodeTasksOf: NodeTasksOf): Cut | null {
  for (let k = guest.spans.length - 1; k >= 0; k -= 1) {
    const span = guest.spans[k];
    if (span === undefined) return null;
    // A cut lies no earlier than what tells it began: almost every guest's facts are all newer than the horizon.
    if ((span.start?.earliest ?? span.first.sentAt) > horizon) continue;
    const cut = span.state === 'stopped' ? stoppedCut(guest, k) : startCut(guest, span, k);
    if (cut === null || cut.at > horizon) continue;
    const ofNode = nodeTasksOf(span.nodeId).filter((task) => concerns(task, guest.vmid));
    if (![...guest.tasks, ...ofNode].some((task) => isUnderWay(task, cut))) return cut;
  }
  return null;
}

/** Facts are cut apart where no task spans the cut: its end is stamped late, and what it did may lie on either side. */
function isUnderWay(task: Task, { at, begunBy }: Cut): boolean {
  if (begunBy === null) return isAround(spanOf(task, Number.POSITIVE_INFINITY), at);
  return task.start.earliest <= begunBy && endOf(task) > begunBy + CLEAR_MS;
}

function endOf(task: Task): number {
  return spanOf(task, Number.POSITIVE_INFINITY).latest;
}

function stoppedCut(guest: GuestState, index: number): Cut | null {
  const frozenAt = guest.spans[index]?.first.sentAt;
  return frozenAt === undefined ? null : { index, at: cutAt(guest, index), frozenAt, begunBy: null };
}

/**
 * Before a process that began a session, where its uptime told when. A guest that is only ever restarted is never seen stopped,
 * and would be derived from its first day for ever. The stored start is kept from then on (see withFrozenStart).
 */
function startCut(guest: GuestState, span: Span, index: number): Cut | null {
  const { start } = span;
  if (start === null || span.isBarred) return null;
  const j = guest.sessions.findIndex(({ session }) => isBegunBy(session, start));
  const session = guest.sessions[j]?.session;
  if (session === undefined) return null;
  const { at } = session.start;
  // A session without length, or facts in an order that their instants do not tell, could fall on either side.
  if ((session.end?.at ?? Number.POSITIVE_INFINITY) <= at || span.first.sentAt < at) return null;
  if ((guest.spans[index - 1]?.first.sentAt ?? Number.NEGATIVE_INFINITY) >= at) return null;
  const before = guest.sessions[j - 1]?.session;
  if (before !== undefined && (before.end === null || before.end.at > at || before.start.at >= at)) return null;
  return { index, at, frozenAt: at, begunBy: start.latest };
}

function isBegunBy({ start }: Session, process: Window): boolean {
  return start.evidence === 'uptime' && process.earliest <= start.at && start.at <= process.latest;
}

function isAround(window: Window, at: number): boolean {
  const clear = widen({ earliest: at, latest: at }, CLEAR_MS);
  return window.earliest <= clear.latest && clear.earliest <= window.latest;
}

/** The middle of the proof: as far as can be from what ended before and what begins after. */
function cutAt(guest: GuestState, k: number): number {
  const span = guest.spans[k];
  if (span === undefined) return Number.NEGATIVE_INFINITY;
  return middle({ earliest: span.first.receivedAt, latest: Math.max(span.first.receivedAt, span.last.sentAt) });
}

/** The last reading before the cut says who the guest was; older ones decide nothing any more. */
function identitiesAfter({ identities }: GuestState, at: number): GuestState['identities'] {
  const before = identities.filter((fact) => fact.window.latest <= at);
  const last = before.findLast((fact) => fact.kind === 'read');
  return identities.filter((fact) => fact.window.latest > at || fact === last);
}
