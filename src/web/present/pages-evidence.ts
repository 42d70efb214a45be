import type { EndReason, Evidence } from '../../core/evidence.js';
import type { GapReason, EdgeView, SessionView } from '../../ledger/queries/read-model.js';
import { boundText, zoneClock, type InstantFigure } from './pages-figures.js';

/** How the edges of sessions are known, in plain words (ledger rules 6 to 15). */

export interface EdgeFigure {
  at: InstantFigure;
  /** `± 0.4 s`; `or earlier` where the log does not reach back to it. */
  bound: string;
  /** For the title: the window that holds the truth. */
  window: string;
  known: string;
}

export interface UpidWords {
  type: string;
  user: string;
}

/** The task's type and user of a UPID (node:pid:pstart:starttime:type:id:user:), without a token's name. */
export function wordsOfUpid(upid: string | null): UpidWords | null {
  const fields = upid?.split(':') ?? [];
  const [type, user] = [fields[5], fields[7]];
  if (type === undefined || user === undefined || type === '') return null;
  return { type, user: user.split('!')[0] ?? user };
}

/** How far an edge's `at` can be from the truth; null where the log does not reach back to it. */
export function offOf(edge: EdgeView): number | null {
  return edge.earliest === null ? null : Math.max(edge.latest - edge.at, edge.at - edge.earliest, 0);
}

/** `± 1 s`, or `or earlier`. */
export function edgeBound(edge: EdgeView): string {
  const off = offOf(edge);
  return off === null ? 'or earlier' : boundText(off);
}

/** How a session's start is known: `uptime`, `task qmstart, alice@pve`. */
export function startKnown(session: SessionView): string {
  return taskWords(session.start.evidence, session.startUpid) ?? startWords[session.start.evidence];
}

/** How a session's end is known: `task qmshutdown, alice@pve`, `no task: powered off inside`. */
export function endKnown(session: SessionView): string {
  if (session.end === null) return '';
  const task = taskWords(session.end.evidence, session.stopUpid);
  const why = session.endReason === null ? '' : reasonWords[session.endReason];
  if (task !== null) return [task, why].filter((word) => word !== '').join(', ');
  if (session.endReason === 'host') return `node ${session.node} went down`;
  if (session.endReason === 'fenced') return `node ${session.node} was fenced`;
  if (why !== '') return why;
  return session.end.evidence === 'journal' ? 'journal: powered off inside' : 'no task: powered off inside';
}

function taskWords(evidence: Evidence, upid: string | null): string | null {
  const words = wordsOfUpid(upid);
  if (words === null || (evidence !== 'task' && evidence !== 'uptime')) return null;
  if (evidence === 'uptime')
    return words.user === '' ? `uptime, ${words.type}` : `uptime, ${words.type} by ${words.user}`;
  return words.user === '' ? `task ${words.type}` : `task ${words.type}, ${words.user}`;
}

const startWords: Record<Evidence, string> = {
  uptime: 'uptime',
  task: 'task log',
  journal: 'journal',
  rrd: 'minute statistics of the node',
  poll: 'between two polls',
  boot: 'boot of the node',
  agent: 'agent',
  manual: 'entered by hand',
  log_edge: 'the task log begins later',
};

/** What a task does not say by its own name; empty where the task or the evidence says it all. */
const reasonWords: Record<EndReason, string> = {
  stop: '',
  shutdown: '',
  reboot: 'reboot',
  suspend: 'suspended to disk',
  rollback: 'rolled back',
  backup: 'stopped for backup',
  migrate: 'moved while off',
  migrated_away: 'moved to a node that is not tracked',
  destroy: 'deleted',
  host: 'the node went down',
  fenced: 'the node was fenced',
  unlogged: '',
  reinstalled: 'the node was installed anew',
  removed: 'tracking ended',
  manual: 'entered by hand',
};

/** An edge with its bound, its window and how it is known. */
export function edgeFigure(edge: EdgeView, known: string, zone: string, asOf: number): EdgeFigure {
  const clock = zoneClock(zone);
  const earliest = edge.earliest === null ? 'before the task log begins' : clock.instant(edge.earliest, asOf).iso;
  return {
    at: clock.instant(edge.at, asOf),
    bound: edgeBound(edge),
    window: `between ${earliest} and ${clock.instant(edge.latest, asOf).iso}`,
    known,
  };
}

/** Why a node was not seen, in words. */
export const gapWords: Record<GapReason, string> = {
  unreachable: 'did not answer',
  unauthorized: 'token refused',
  tls_error: 'certificate not trusted',
  bad_answer: 'answer unreadable',
  permission_lost: 'permission lost',
  manager_down: 'the manager was down',
  log_rotated: 'task log rotated away',
  clock_step: 'clock was set',
};
