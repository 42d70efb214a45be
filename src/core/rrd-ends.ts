import { beganAt, isOf, ranAfter, stoppedBy, type RrdEnd, type RrdMark } from './rrd.js';
import { endingAt, type Session } from './session.js';
import { mayRestart, spanOf, type Task } from './task.js';
import { clamp, intersect, meets, middle, type Window } from './window.js';

/** Up to this width two polls tell as much of an end as rrd data does (ledger rule 9). */
const WIDE_MS = 120_000;

/** The end of the k-th session where no task and no journal explains it and it is wide enough for rrd data to narrow; null for every other. */
export function wideEnd(sessions: readonly Session[], k: number): RrdEnd | null {
  const { end = null, endReason } = sessions[k] ?? {};
  if (end === null || end.earliest === null || endReason !== 'unlogged') return null;
  if (end.evidence !== 'poll' && end.evidence !== 'rrd') return null;
  if (end.latest - end.earliest <= WIDE_MS) return null;
  const next = sessions[k + 1]?.start;
  const nextAt = next === undefined ? Number.POSITIVE_INFINITY : (next.earliest ?? next.at);
  return { window: { earliest: end.earliest, latest: end.latest }, nextAt };
}

/**
 * The bins that no task can have made what they are which ends one process and begins another, or keeps that of a guest that is
 * off for its backup (proxmox-api.md, traps 20 and 32): of a run those say nothing.
 */
export function clearOf(marks: readonly RrdMark[], tasks: readonly Task[], asOf: number): RrdMark[] {
  const restarts = tasks.filter(mayRestart).map((task) => spanOf(task, asOf));
  return marks.filter((mark) => {
    const reach = { earliest: beganAt(mark), latest: stoppedBy(mark) };
    return !restarts.some((span) => meets(span, reach));
  });
}

/** The sessions with their wide, unexplained ends narrowed by the rrd data of the node that they ended on; bounds are only cut. */
export function withRrd(
  sessions: Session[],
  marks: readonly RrdMark[],
  tasks: readonly Task[],
  asOf: number,
): Session[] {
  if (marks.length === 0) return sessions;
  const clear = clearOf(marks, tasks, asOf);
  return sessions.map((session, k) => {
    const { end } = session;
    const wide = wideEnd(sessions, k);
    if (end === null || wide === null) return session;
    const nodeId = session.segments.at(-1)?.nodeId;
    const told = endTold(
      clear.filter((mark) => mark.nodeId === nodeId),
      wide,
    );
    const before = sessions[k + 1]?.start.at ?? Number.POSITIVE_INFINITY;
    // Likeliest instants keep the order of their edges (ledger rule 12).
    if (told === null || told.window.latest < session.start.at || told.window.earliest > before) return session;
    const at = Math.min(Math.max(clamp(told.at, told.window), session.start.at), before);
    return endingAt(session, { ...end, ...told.window, at, evidence: 'rrd', proofs: [...end.proofs, ...told.proofs] });
  });
}

/** What the bins say of the end; null where they tell nothing, or of more than one. */
function endTold(marks: readonly RrdMark[], end: RrdEnd): { window: Window; at: number; proofs: string[] } | null {
  const own = marks.filter((mark) => isOf(mark, end));
  const running = own.filter((one) => one.state === 'running').sort((a, b) => ranAfter(b) - ranAfter(a));
  const stopped = own.filter((one) => one.state === 'stopped').sort((a, b) => stoppedBy(a) - stoppedBy(b));
  const [ran] = running;
  const [off] = stopped;
  // It ran again after it was off: a run that nothing else told of, and which end is which the bins do not say.
  if (off !== undefined && running.some((one) => beganAt(one) >= off.ended.earliest)) return null;
  const cut = intersect(end.window, {
    earliest: ran === undefined ? end.window.earliest : ranAfter(ran),
    latest: off === undefined ? end.window.latest : stoppedBy(off),
  });
  if (cut === null || (ran === undefined && off === undefined)) return null;
  // Where one follows the other, the end lies about their border.
  const border = {
    earliest: ran === undefined ? cut.earliest : middle(ran.ended),
    latest: off === undefined ? cut.latest : middle(off.ended) - off.stepS * 1000,
  };
  return { window: cut, at: middle(border), proofs: [...proofOf('running', ran), ...proofOf('not running', off)] };
}

function proofOf(what: string, mark: RrdMark | undefined): string[] {
  if (mark === undefined) return [];
  return [`${what} by the node's rrd data of the ${mark.stepS} s before ${new Date(middle(mark.ended)).toISOString()}`];
}
