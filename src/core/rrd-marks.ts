import type { GuestState } from './guest.js';
import type { NodeClock } from './node-clock.js';
import { marksOf, tellingMarks, type RrdBin, type RrdMark } from './rrd.js';
import { clearOf, wideEnd } from './rrd-ends.js';
import type { Task } from './task.js';

/** The guest with the bins that are new and tell of one of its wide ends on this node; null where there is none. */
export function withBins(
  guest: GuestState,
  bins: readonly RrdBin[],
  { nodeId, clock, tasks, asOf }: { nodeId: number; clock: NodeClock; tasks: readonly Task[]; asOf: number },
): GuestState | null {
  const known = guest.rrd ?? [];
  const clear = clearOf(marksOf(bins, nodeId, clock), tasks, asOf);
  const marks = clear.filter((mark) => !known.some((one) => isSame(one, mark)));
  const sessions = guest.sessions.map(({ session }) => session);
  const telling = new Set<RrdMark>();
  for (const [k, session] of sessions.entries()) {
    const end = wideEnd(sessions, k);
    if (end === null || session.segments.at(-1)?.nodeId !== nodeId) continue;
    for (const mark of tellingMarks(marks, end)) telling.add(mark);
  }
  return telling.size === 0 ? null : { ...guest, rrd: [...known, ...telling] };
}

function isSame(a: RrdMark, b: RrdMark): boolean {
  return a.nodeId === b.nodeId && a.stampS === b.stampS && a.stepS === b.stepS;
}
