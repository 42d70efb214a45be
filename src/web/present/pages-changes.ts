import type { RecentChanges } from '../../ledger/queries/pages-changes.js';
import type { GapView, SessionView } from '../../ledger/queries/read-model.js';
import { edgeBound, endKnown, gapWords, startKnown, wordsOfUpid } from './pages-evidence.js';
import { countOf, durationFigure, zoneClock, type InstantFigure } from './pages-figures.js';
import { guestHref, sessionGuestName } from './pages-guests.js';

export interface ChangeRow {
  at: InstantFigure;
  /** The time today, else the day. */
  when: string;
  subject: string;
  href: string;
  verb: string;
  detail: string;
}

interface Change extends Omit<ChangeRow, 'at' | 'when'> {
  atMs: number;
}

/** A stop and a start this near to each other, both by one task, are one event. */
const TOGETHER_MS = 600_000;

/** The feed of the newest changes, newest first: what happened, and how it is known. */
export function changeRows(
  changes: RecentChanges,
  options: { zone: string; asOf: number; limit: number; runningByNode: ReadonlyMap<string, number> },
): ChangeRow[] {
  const { zone, asOf, limit } = options;
  const clock = zoneClock(zone);
  const restarts = restartsOf(changes);
  const all: Change[] = [
    ...[...restarts].map(([ended, started]) => restarted(ended, started)),
    ...changes.started.filter((session) => ![...restarts.values()].includes(session)).map(started),
    ...changes.ended.filter((session) => !restarts.has(session)).map(ended),
    ...changes.moved.flatMap(moved),
    ...changes.gaps.flatMap((gap) => gapChanges(gap, options.runningByNode, asOf)),
  ];
  const today = clock.dayName(asOf);
  return all
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, limit)
    .map(({ atMs, ...change }) => ({
      ...change,
      at: clock.instant(atMs, asOf),
      when:
        clock.dayName(atMs) === today
          ? clock.instant(atMs, asOf).time
          : clock.dayName(atMs).slice(0, 3) + ' ' + clock.instant(atMs, asOf).time.slice(0, 5),
    }));
}

const restartReasons = new Set(['reboot', 'rollback', 'backup', 'migrate']);

/** Ends that the same guest's next start belongs to: a reboot, a rollback, a stop-mode backup, a restart migration. */
function restartsOf(changes: RecentChanges): Map<SessionView, SessionView> {
  const pairs = new Map<SessionView, SessionView>();
  for (const end of changes.ended) {
    const endedAt = end.end?.at;
    if (endedAt === undefined || !restartReasons.has(end.endReason ?? '')) continue;
    const next = changes.started
      .filter((start) => start.guestId === end.guestId && start.start.at >= endedAt)
      .sort((a, b) => a.start.at - b.start.at)[0];
    if (next !== undefined && next.start.at - endedAt <= TOGETHER_MS) pairs.set(end, next);
  }
  return pairs;
}

function of(session: SessionView): { subject: string; href: string } {
  return {
    subject: sessionGuestName(session),
    href: guestHref(session.guestId),
  };
}

function started(session: SessionView): Change {
  const bound = edgeBound(session.start);
  return { ...of(session), atMs: session.start.at, verb: 'started', detail: `${startKnown(session)} · ${bound}` };
}

function ended(session: SessionView): Change {
  const bound = session.end === null ? '' : edgeBound(session.end);
  return {
    ...of(session),
    atMs: session.end?.at ?? session.provenUntil,
    verb: session.endReason === 'destroy' ? 'deleted' : 'stopped',
    detail: `${endKnown(session)} · ${bound}`,
  };
}

const restartVerbs: Record<string, string> = {
  rollback: 'rolled back and started',
  backup: 'stopped for backup and started',
  migrate: 'moved with a restart',
};

function restarted(before: SessionView, after: SessionView): Change {
  const endedAt = before.end?.at ?? after.start.at;
  const words = wordsOfUpid(before.stopUpid);
  const by = words === null ? 'no task' : `${words.type}${words.user === '' ? '' : ` by ${words.user}`}`;
  const apart = ((after.start.at - endedAt) / 1000).toFixed(1);
  return {
    ...of(after),
    atMs: after.start.at,
    verb: restartVerbs[before.endReason ?? ''] ?? 'rebooted',
    detail: `${by} · ${apart} s apart`,
  };
}

function moved(session: SessionView): Change[] {
  return session.segments.flatMap((segment, k) => {
    const before = session.segments[k - 1];
    if (before === undefined || before.node === segment.node) return [];
    const detail = `${before.node} → ${segment.node} · session goes on`;
    return [{ ...of(session), atMs: segment.startedAt, verb: 'moved', detail }];
  });
}

function gapChanges(gap: GapView, runningByNode: ReadonlyMap<string, number>, asOf: number): Change[] {
  const why = gap.detail ?? gapWords[gap.reason];
  const kept = runningByNode.get(gap.node) ?? 0;
  const subject = { subject: gap.node, href: '/gaps' };
  const lasted = durationFigure((gap.endedAt ?? asOf) - gap.startedAt).text;
  const note = gap.endedAt === null ? `${countOf(kept, 'guest')} kept running` : `for ${lasted}`;
  const begun = { ...subject, atMs: gap.startedAt, verb: 'not seen', detail: `${why} · ${note}` };
  if (gap.endedAt === null) return [begun];
  const proof = gap.isProven ? 'the time between is proven' : 'the time between stays unproven';
  return [begun, { ...subject, atMs: gap.endedAt, verb: 'seen again', detail: proof }];
}
