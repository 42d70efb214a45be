import type { Evidence } from './evidence.js';
import type { GuestType } from './observation.js';
import { endingAt, type Session } from './session.js';
import { spanOf, type Task } from './task.js';
import { clamp, hull, intersect, meets, middle, type Window } from './window.js';

/** A line of a node's journal; its stamp is a whole second of the node's own clock, since the epoch. */
export interface JournalLine {
  stampS: number;
  message: string;
}

/** A line that tells of the end of a guest's process, as a fact: when it was written, on the manager's clock. */
export interface JournalMark {
  /** Our id of the node that wrote it. */
  nodeId: number;
  mark: 'cleanup' | 'scope' | 'service';
  stampS: number;
  written: Window;
}

const MARKS: { mark: JournalMark['mark']; type: GuestType; pattern: RegExp }[] = [
  { mark: 'cleanup', type: 'qemu', pattern: /^Starting cleanup for (\d+)$/ },
  { mark: 'scope', type: 'qemu', pattern: /^(\d+)\.scope: (?:Deactivated successfully|Succeeded)\.?$/ },
  {
    mark: 'service',
    type: 'lxc',
    pattern: /^pve-container@(\d+)\.service: (?:Deactivated successfully|Succeeded)\.?$/,
  },
];

/** What a line says of a guest's process (proxmox-api.md, section 13); null for the others, which are most. */
export function markOf(line: JournalLine): { type: GuestType; vmid: number; mark: JournalMark['mark'] } | null {
  for (const { mark, type, pattern } of MARKS) {
    const vmid = pattern.exec(line.message.trim())?.[1];
    if (vmid !== undefined) return { type, vmid: Number(vmid), mark };
  }
  return null;
}

/** systemd notices an empty scope within a second. */
const NOTICE_MS = 1_000;
/** `Starting cleanup` is written when the guest has shut down: its process may live on for a little. */
const CLEANUP_BEFORE_MS = 2_000;
const CLEANUP_AFTER_MS = 30_000;

/** Where the end of the process lies that the line tells of: to the second for scopes and services, [-2 s, +30 s] for a cleanup. */
export function endWindow({ mark, written }: JournalMark): Window {
  if (mark !== 'cleanup') return { earliest: written.earliest - NOTICE_MS, latest: written.latest };
  return { earliest: written.earliest - CLEANUP_BEFORE_MS, latest: written.latest + CLEANUP_AFTER_MS };
}

/** What the journal is stronger than, and itself (ledger rule 12). */
const NARROWED_BY_JOURNAL: ReadonlySet<Evidence> = new Set(['poll', 'rrd', 'journal']);

/** True where the journal may tell more of the session's end than two polls do (ledger rule 9). */
export function isUnexplained({ end, endReason }: Session): boolean {
  return end !== null && endReason === 'unlogged' && NARROWED_BY_JOURNAL.has(end.evidence);
}

/**
 * The sessions with their unexplained ends narrowed by the journal of the node that they ended on; bounds are only ever cut.
 * A backup keeps the process of a VM that powered off (proxmox-api.md, trap 32): around one of `tasks` the journal tells nothing.
 */
export function withJournal(
  sessions: Session[],
  marks: readonly JournalMark[],
  tasks: readonly Task[],
  asOf: number,
): Session[] {
  if (marks.length === 0) return sessions;
  const backups = tasks.filter((task) => task.type === 'vzdump');
  return sessions.map((session, k) => {
    const { end } = session;
    if (end === null || !isUnexplained(session)) return session;
    const window = { earliest: end.earliest ?? end.at, latest: end.latest };
    if (backups.some((task) => meets(spanOf(task, asOf), window))) return session;
    const nodeId = session.segments.at(-1)?.nodeId;
    const told = endTold(
      marks.filter((mark) => mark.nodeId === nodeId),
      window,
    );
    const before = sessions[k + 1]?.start.at ?? Number.POSITIVE_INFINITY;
    // Likeliest instants keep the order of their edges (ledger rule 12); what cannot is no line of this end.
    if (told === null || told.window.latest < session.start.at || told.window.earliest > before) return session;
    const at = Math.min(Math.max(clamp(told.at, told.window), session.start.at), before);
    return endingAt(session, { ...end, ...told.window, at, evidence: 'journal', proofs: [...end.proofs, told.proof] });
  });
}

/** What the lines that fit the window say together; of several of one kind any may be the one. */
function endTold(marks: readonly JournalMark[], window: Window): { window: Window; at: number; proof: string } | null {
  const fitting = marks.filter((mark) => meets(endWindow(mark), window));
  const exact = fitting.filter(({ mark }) => mark !== 'cleanup');
  const cleanups = fitting.filter(({ mark }) => mark === 'cleanup');
  const chosen = exact.length > 0 ? exact : cleanups;
  const last = chosen.at(-1);
  if (last === undefined) return null;
  const union = chosen.map(endWindow).reduce(hull);
  let cut = intersect(union, window) ?? window;
  const [cleanup] = cleanups;
  // Both lines of one end: the end lies where both allow.
  if (exact.length === 1 && cleanup !== undefined && cleanups.length === 1) {
    cut = intersect(cut, endWindow(cleanup)) ?? cut;
  }
  const at = chosen.length > 1 ? middle(cut) : middle(last.written);
  return { window: cut, at, proof: `the journal's line of the process's end, ${last.mark}` };
}
