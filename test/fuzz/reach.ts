import { effectsOf, type Task } from '../../src/core/task.js';
import { audit, type AuditReport, type LedgerSession } from '../../src/simulator/auditor.js';
import type { TruePause, TrueSession } from '../../src/simulator/truth.js';
import type { Look } from './virtual-manager.js';

/** What the managers could know of: the lists that they saw, and the tasks that they read, by cluster. */
export interface Sight {
  looks: readonly Look[];
  /** Gaps of the kind log_rotated: what a node logged in them nobody has read. */
  holes?: readonly { node: string; startedAt: number; endedAt: number }[];
  /** When each cluster's resources were told. */
  tellings: readonly { cluster: string; at: number }[];
  tasksOf: (truth: TrueSession) => readonly Task[];
}

/** How often each excuse was made, of how many true runs. */
export interface Excused {
  trueRuns: number;
  /** Hidden runs that were over before the first look, of which the ledger says nothing. */
  earlierRuns: number;
  /** Hidden runs between two looks, of which the ledger says nothing. */
  hiddenRuns: number;
  /** Hidden runs that the ledger tells as one with the run before. */
  joinedRuns: number;
  /** Stops that found nothing to stop, taken for the end. */
  idleStops: number;
}

export const nothingExcused: Excused = { trueRuns: 0, earlierRuns: 0, hiddenRuns: 0, joinedRuns: 0, idleStops: 0 };

/** Ends that a task of the log tells. */
const TOLD: ReadonlySet<string | null> = new Set(['stop', 'shutdown', 'reboot', 'suspend']);
const STARTS: ReadonlySet<string> = new Set(['qmstart', 'vzstart', 'vzreboot']);
/** Tasks that succeed where nothing runs (proxmox-api.md, section 2). */
const IDLE_STOPS: ReadonlySet<string> = new Set(['qmstop', 'qmshutdown', 'vzstop']);

/**
 * The audit without what neither log nor samples can tell, and nothing else. A run is hidden when no list was seen while its
 * process was there and no finished start task in the log holds its beginning: a container that rebooted itself, a restart
 * inside a backup or a rollback, a run from before the log, a host that died within the start's task. A hidden run may be
 * missing if no task tells its end either, or if its start or its end was logged while the log was lost (a `log_rotated` gap);
 * and it may be told as one with the run before it, whose end then nothing told.
 */
export function auditWithinReach(
  truths: readonly TrueSession[],
  ledger: readonly LedgerSession[],
  sight: Sight,
  untilAt: number,
): { report: AuditReport; excused: Excused } {
  const isHidden = (truth: TrueSession): boolean => !isSeen(truth, sight.looks) && !isAnnounced(truth, truths, sight);
  const excused = { ...nothingExcused, trueRuns: truths.length };
  let told = [...truths];
  let report = audit(told, ledger, untilAt);
  for (;;) {
    const isJoined = (before: TrueSession, after: TrueSession): boolean => !isToldEnd(before, sight) && isHidden(after);
    const better = withOneJoined(told, report, isJoined, (joined) => audit(joined, ledger, untilAt));
    if (better === null) break;
    excused.joinedRuns += 1;
    ({ told, report } = better);
  }
  const isLostRun = (truth: TrueSession): boolean => isLost(truth, 'start', sight) || isLost(truth, 'end', sight);
  const missing = report.missing.filter((truth) => !isHidden(truth) || (TOLD.has(truth.endedHow) && !isLostRun(truth)));
  const isKept = (one: AuditReport['outOfBounds'][number]): boolean => !isIdleStop(one, sight);
  const outOfBounds = report.outOfBounds.filter((one) => isKept(one) && !isLost(one.truth, one.edge, sight));
  const firstLookAt = sight.looks.reduce((first, look) => Math.min(first, look.sentAt), untilAt);
  excused.earlierRuns = report.missing.filter(
    (truth) => !missing.includes(truth) && (truth.endedAt ?? untilAt) < firstLookAt,
  ).length;
  excused.hiddenRuns = report.missing.length - missing.length - excused.earlierRuns;
  excused.idleStops = report.outOfBounds.length - report.outOfBounds.filter(isKept).length;
  return { report: { ...report, missing, outOfBounds }, excused };
}

interface Told {
  told: TrueSession[];
  report: AuditReport;
}

/** The truths with a hidden run joined to the one before, where the ledger merged both and is right about the two as one; null where there are none. */
function withOneJoined(
  told: readonly TrueSession[],
  report: AuditReport,
  isJoined: (before: TrueSession, after: TrueSession) => boolean,
  judge: (truths: TrueSession[]) => AuditReport,
): Told | null {
  for (const { truths } of report.merged) {
    const ordered = truths.toSorted((a, b) => a.startedAt - b.startedAt);
    for (const [k, after] of ordered.entries()) {
      const before = ordered[k - 1];
      if (before === undefined || !isJoined(before, after)) continue;
      const joined = told.filter((truth) => truth !== before && truth !== after).concat(asOne(before, after));
      const better = judge(joined);
      if (faultCount(better) < faultCount(report)) return { told: joined, report: better };
    }
  }
  return null;
}

/** Each run that a merged or split session takes counts, so that of three merged ones joining two is a gain. */
function faultCount({ missing, extra, merged, split, outOfBounds }: AuditReport): number {
  const many = merged.map(({ truths }) => truths.length - 1).concat(split.map(({ ledgers }) => ledgers.length - 1));
  return many.reduce((sum, count) => sum + count, missing.length + extra.length + outOfBounds.length);
}

/** A stop of a guest that had just gone by itself succeeds as well, and nothing was seen between: rule 9 takes it for the end. */
function isIdleStop({ truth, ledger, edge }: AuditReport['outOfBounds'][number], { looks, tasksOf }: Sight): boolean {
  const { endedAt, endedHow } = truth;
  const { endEarliest, endEvidence } = ledger;
  if (edge !== 'end' || endedAt === null || endEarliest === null || endEvidence !== 'task') return false;
  if (TOLD.has(endedHow) || endedAt >= endEarliest) return false;
  const isByStop = tasksOf(truth).some(
    (task) => task.outcome === 'ok' && IDLE_STOPS.has(task.type) && task.start.earliest === endEarliest,
  );
  const node = truth.segments.at(-1)?.node;
  return (
    isByStop &&
    !looks.some(
      (look) =>
        look.node === node && look.type === truth.type && endedAt < look.sentAt && look.receivedAt < endEarliest,
    )
  );
}

/** True where the task that would tell this edge was written while the node's log was lost. */
function isLost(truth: TrueSession, edge: 'start' | 'end', { holes = [] }: Sight): boolean {
  const at = edge === 'start' ? truth.startedAt : truth.endedAt;
  const node = truth.segments.at(edge === 'start' ? 0 : -1)?.node;
  return at !== null && holes.some((hole) => hole.node === node && hole.startedAt <= at && at <= hole.endedAt);
}

function asOne(before: TrueSession, after: TrueSession): TrueSession {
  const segments = [...before.segments, ...after.segments];
  return { ...before, endedAt: after.endedAt, endedHow: after.endedHow, segments };
}

/** A process shows an uptime of 0 for its first second, which proves nothing (ledger rule 7). */
const NO_UPTIME_MS = 1_000;

/** True where a list was asked for and answered while the process was there, and old enough to have an uptime. */
function isSeen(truth: TrueSession, looks: readonly Look[]): boolean {
  return truth.segments.some(({ node, startedAt, endedAt }) =>
    looks.some(
      (look) =>
        look.node === node &&
        look.type === truth.type &&
        startedAt + NO_UPTIME_MS <= look.receivedAt &&
        look.sentAt < (endedAt ?? Number.POSITIVE_INFINITY),
    ),
  );
}

/** True where a boot, or a task of the log that succeeded, tells the end: a migration that failed may have restarted a container. */
function isToldEnd({ endedAt, endedHow, ...truth }: TrueSession, { tasksOf }: Sight): boolean {
  if (endedAt === null || endedHow === 'host') return true;
  return tasksOf({ endedAt, endedHow, ...truth }).some(
    (task) =>
      effectsOf(task).some(({ edge }) => edge === 'end') &&
      // What began while the task was under way it did not end, but began.
      truth.startedAt <= task.start.latest &&
      task.start.earliest <= endedAt &&
      endedAt <= (task.end?.latest ?? endedAt),
  );
}

/** True where a start task of the log was around its beginning, and around that of no later run: one task announces one run. */
function isAnnounced(truth: TrueSession, truths: readonly TrueSession[], { tasksOf }: Sight): boolean {
  const isAround = (task: Task, at: number): boolean => task.start.earliest <= at && at <= (task.end?.latest ?? at);
  const isLater = ({ cluster, type, vmid, startedAt }: TrueSession): boolean =>
    cluster === truth.cluster && type === truth.type && vmid === truth.vmid && startedAt > truth.startedAt;
  const later = truths.filter(isLater);
  return tasksOf(truth).some(
    (task) =>
      task.outcome === 'ok' &&
      STARTS.has(task.type) &&
      isAround(task, truth.startedAt) &&
      !later.some(({ startedAt }) => isAround(task, startedAt)),
  );
}

/** A broadcast is at most this old when it is told. */
const BROADCAST_MS = 15_000;

/**
 * True where a pause must be known: a finished task of the log began it; or the cluster's resources were told three times while
 * it lasted, each followed by a list of the guest's node, more than any lock of a snapshot or a migration keeps silent.
 */
export function isPauseKnowable(session: TrueSession, { from, to }: TruePause, sight: Sight): boolean {
  const isLogged = sight.tasksOf(session).some((task) => {
    const isAround = task.start.earliest <= from && from <= (task.end?.latest ?? task.start.earliest);
    return task.type === 'qmpause' && task.outcome === 'ok' && isAround;
  });
  if (isLogged) return true;
  const until = to ?? Number.POSITIVE_INFINITY;
  const told = sight.tellings.filter(({ cluster, at }) => {
    if (cluster !== session.cluster || at < from + BROADCAST_MS || at > until) return false;
    return session.segments.some(({ node, startedAt, endedAt }) =>
      sight.looks.some(
        (look) =>
          look.node === node &&
          look.type === 'qemu' &&
          look.sentAt >= at &&
          look.sentAt < Math.min(until, at + BROADCAST_MS) &&
          startedAt <= look.sentAt &&
          look.sentAt < (endedAt ?? Number.POSITIVE_INFINITY),
      ),
    );
  });
  return told.length >= 3;
}
