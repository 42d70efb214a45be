import type { Task } from '../../src/core/task.js';
import { audit, type AuditReport, type LedgerSession } from '../../src/simulator/auditor.js';
import type { TrueSession } from '../../src/simulator/truth.js';
import type { Look } from './virtual-manager.js';

/** What the managers could know of: the lists that they saw, and the tasks that they read, by cluster. */
export interface Sight {
  looks: readonly Look[];
  tasksOf: (truth: TrueSession) => readonly Task[];
}

/** Ends that a task of the log tells. */
const TOLD: ReadonlySet<string | null> = new Set(['stop', 'shutdown', 'reboot', 'suspend']);
const STARTS: ReadonlySet<string> = new Set(['qmstart', 'vzstart', 'vzreboot']);

/**
 * The audit without what neither log nor samples can tell, and nothing else. A run is hidden when no list was seen while its
 * process was there and no finished start task in the log holds its beginning: a container that rebooted itself, a restart
 * inside a backup or a rollback, a run from before the log, a host that died within the start's task. A hidden run may be
 * missing if no task tells its end either; and it may be told as one with the run before it, whose end then nothing told.
 */
export function auditWithinReach(
  truths: readonly TrueSession[],
  ledger: readonly LedgerSession[],
  sight: Sight,
  untilAt: number,
): AuditReport {
  const isHidden = (truth: TrueSession): boolean => !isSeen(truth, sight.looks) && !isAnnounced(truth, sight);
  let told = [...truths];
  for (;;) {
    const report = audit(told, ledger, untilAt);
    const excused = report.merged
      .map(({ truths: of }) => [...of].sort((a, b) => a.startedAt - b.startedAt))
      .find((of) => of.slice(1).every(isHidden));
    if (excused === undefined) {
      return {
        ...report,
        missing: report.missing.filter((truth) => TOLD.has(truth.endedHow) || !isHidden(truth)),
        outOfBounds: report.outOfBounds.filter((one) => !isIdleStop(one, sight.looks)),
      };
    }
    told = told.filter((truth) => !excused.includes(truth)).concat(asOne(excused));
  }
}

/** A stop of a guest that had just gone by itself succeeds as well, and nothing was seen between: rule 9 takes it for the end. */
function isIdleStop({ truth, ledger, edge }: AuditReport['outOfBounds'][number], looks: readonly Look[]): boolean {
  const { endedAt, endedHow } = truth;
  const { endEarliest, endEvidence } = ledger;
  if (edge !== 'end' || endedAt === null || endEarliest === null || endEvidence !== 'task') return false;
  if (TOLD.has(endedHow) || endedAt >= endEarliest) return false;
  const node = truth.segments.at(-1)?.node;
  return !looks.some(
    (look) => look.node === node && look.type === truth.type && endedAt < look.sentAt && look.receivedAt < endEarliest,
  );
}

function asOne(truths: readonly TrueSession[]): TrueSession[] {
  const [first] = truths;
  const last = truths.at(-1);
  if (first === undefined || last === undefined) return [];
  const segments = truths.flatMap((truth) => truth.segments);
  return [{ ...first, endedAt: last.endedAt, endedHow: last.endedHow, segments }];
}

/** True where a list was asked for and answered while the process was there. */
function isSeen(truth: TrueSession, looks: readonly Look[]): boolean {
  return truth.segments.some(({ node, startedAt, endedAt }) =>
    looks.some(
      (look) =>
        look.node === node &&
        look.type === truth.type &&
        startedAt <= look.receivedAt &&
        look.sentAt < (endedAt ?? Number.POSITIVE_INFINITY),
    ),
  );
}

/** True where a start task of the log was around its beginning. */
function isAnnounced({ startedAt, ...truth }: TrueSession, { tasksOf }: Sight): boolean {
  return tasksOf({ startedAt, ...truth }).some(
    (task) =>
      task.outcome === 'ok' &&
      STARTS.has(task.type) &&
      task.start.earliest <= startedAt &&
      startedAt <= (task.end?.latest ?? startedAt),
  );
}
