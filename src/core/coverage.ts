import type { Evidence } from './evidence.js';
import type { GapChange } from './gap.js';
import type { GuestState } from './guest.js';
import type { NodeClock } from './node-clock.js';
import type { NodeState } from './node-state.js';
import type { NodeObservation } from './observation.js';
import type { Session } from './session.js';

/** A stretch of a node's task log that was lost before it was read (ledger rule 4). */
export interface LogHole {
  startedAt: number;
  endedAt: number;
}

/** How far a node's log was read, and what waits to be proven. */
export interface NodeCoverage {
  /** When the log was last read to a known task or to its end; null: never. */
  tasksReadAt: number | null;
  holes: LogHole[];
  /** Gaps that are over and that no evidence covers yet, oldest first. */
  unproven: LogHole[];
}

export const noCoverage: NodeCoverage = { tasksReadAt: null, holes: [], unproven: [] };

/** Gaps that are judged again when evidence comes late; those before are left as they are. */
const MAX_UNPROVEN = 8;

/** An index file that was rotated held 50,000 bytes, in lines of 110 or so and hardly ever of 200 (proxmox-api.md, section 1.2). */
export const FULL_FILE_ROWS = 250;

/**
 * The part of the log between the last reading and the oldest row of this one, where reading met no task that was known: the
 * index rotates by bytes (proxmox-api.md, trap 23). Null where nothing is missing, and at first contact.
 */
export function logHole(
  coverage: NodeCoverage,
  observation: NodeObservation,
  clock: NodeClock | null,
  hasKnownTask: () => boolean,
): LogHole | null {
  const { tasks } = observation;
  const startedAt = coverage.tasksReadAt;
  if (tasks.kind !== 'seen' || tasks.value.metKnown || startedAt === null || clock === null) return null;
  // Tasks that touch no guest are not kept, so none may be known; a log of a full file's length has lost what came before.
  if (tasks.value.rows.length < FULL_FILE_ROWS && !hasKnownTask()) return null;
  const ends = tasks.value.rows.flatMap((row) => (row.endTimeS === null ? [] : [row.endTimeS]));
  const oldestS = ends.length === 0 ? null : ends.reduce((a, b) => Math.min(a, b));
  const endedAt = oldestS === null ? observation.beganAt : oldestS * 1000 - clock.offset.earliest;
  return endedAt > startedAt ? { startedAt, endedAt } : null;
}

/** The coverage after a poll: a log that was read is known up to then but for its hole, and the gaps that ended wait for proof. */
export function coverageAfter(
  coverage: NodeCoverage,
  observation: NodeObservation,
  hole: LogHole | null,
  ended: readonly LogHole[],
): NodeCoverage {
  return {
    tasksReadAt: observation.tasks.kind === 'seen' ? observation.tasks.sentAt : coverage.tasksReadAt,
    holes: hole === null ? coverage.holes : [...coverage.holes, hole],
    unproven: [...coverage.unproven, ...ended].slice(-MAX_UNPROVEN),
  };
}

/** The gaps that a change ends, and in which guests were not seen: a lost log and a step of the clock hide no list. */
export function endedGaps(change: GapChange, open: { startedAt: number } | null): LogHole[] {
  const ended: LogHole[] = change.past
    .filter((gap) => gap.reason !== 'log_rotated' && gap.reason !== 'clock_step')
    .map(({ startedAt, endedAt }) => ({ startedAt, endedAt }));
  if (change.closedAt !== null && open !== null) ended.unshift({ startedAt: open.startedAt, endedAt: change.closedAt });
  return ended;
}

/** A guest, and its sessions as they are derived now. */
export interface JudgedGuest {
  guest: GuestState;
  sessions: readonly Session[];
}

/**
 * Whether the evidence covers a gap of this node (ledger rule 21): every session that ran there has the same process before
 * and after it, or the log is complete over it and explains each edge in it. An end that nothing logged leaves it unproven.
 */
export function isProven(
  gap: LogHole,
  node: NodeState,
  coverage: NodeCoverage,
  guests: Iterable<JudgedGuest>,
): boolean {
  const isLogComplete = coversLog(gap, node, coverage);
  for (const { guest, sessions } of guests) {
    for (const session of sessions.toReversed()) {
      if (session.end !== null && session.end.at <= gap.startedAt) break;
      if (session.start.at >= gap.endedAt || !ranOn(session, node.id, gap)) continue;
      if (hasSameProcess(guest, node, gap)) continue;
      if (!isLogComplete || !isExplained(session, guest, node, gap)) return false;
    }
  }
  return true;
}

/** True when the node's log was read after the gap and nothing of it within was lost. */
export function coversLog(gap: LogHole, node: NodeState, { tasksReadAt, holes }: NodeCoverage): boolean {
  if (tasksReadAt === null || tasksReadAt < gap.endedAt) return false;
  if (node.coverageSince === null || node.coverageSince > gap.startedAt) return false;
  return !holes.some((hole) => hole.startedAt < gap.endedAt && gap.startedAt < hole.endedAt);
}

function ranOn(session: Session, nodeId: number, gap: LogHole): boolean {
  return session.segments.some(
    (one) =>
      one.nodeId === nodeId && one.startedAt < gap.endedAt && (one.endedAt === null || one.endedAt > gap.startedAt),
  );
}

function hasSameProcess(guest: GuestState, node: NodeState, gap: LogHole): boolean {
  return guest.spans.some(
    (span, k) =>
      span.state === 'running' &&
      span.nodeId === node.id &&
      span.first.sentAt <= gap.startedAt &&
      reachOf(guest, k, node) >= gap.endedAt,
  );
}

function reachOf(guest: GuestState, k: number, node: NodeState): number {
  const span = guest.spans[k];
  if (span === undefined) return 0;
  const isOpen = guest.isOpen && k === guest.spans.length - 1 && span.nodeId === node.id;
  return Math.max(span.last.sentAt, isOpen ? (node.lastSeen[guest.type]?.sentAt ?? 0) : 0);
}

/** Evidence that leaves open by minutes when an edge was, and whether there was another. */
const UNLOGGED: ReadonlySet<Evidence> = new Set(['poll', 'rrd', 'log_edge']);

/** Every edge in the gap is told by more than the lists around it, and a session that goes on was seen after it. */
function isExplained(session: Session, guest: GuestState, node: NodeState, gap: LogHole): boolean {
  const isWithin = (at: number): boolean => gap.startedAt < at && at < gap.endedAt;
  const edges = [session.start, session.end].filter((edge) => edge !== null && isWithin(edge.at));
  if (edges.some((edge) => edge !== null && UNLOGGED.has(edge.evidence))) return false;
  if (session.end !== null) return true;
  return guest.spans.some(
    (span, k) => span.state === 'running' && (span.nodeId !== node.id || reachOf(guest, k, node) >= gap.endedAt),
  );
}
