import { expect } from 'chai';
import type { Task } from '../../src/core/task.js';
import type { LedgerSession } from '../../src/simulator/auditor.js';
import type { TrueSession } from '../../src/simulator/truth.js';
import { at, task } from '../core/facts.js';
import { auditWithinReach } from './reach.js';

type EndedHow = NonNullable<TrueSession['endedHow']>;

function truth(startS: number, endS: number, endedHow: EndedHow): TrueSession {
  const [startedAt, endedAt] = [at(startS), at(endS)];
  const segments = [{ node: 'n1', startedAt, endedAt }];
  return { cluster: 'c', type: 'lxc', vmid: 104, life: 1, startedAt, endedAt, endedHow, segments, pauses: [] };
}

function told(startS: number, [earliestS, latestS]: [number, number], evidence = 'task'): LedgerSession {
  const start = { startAt: at(startS), startEarliest: at(startS) - 999, startLatest: at(startS) + 999 };
  const end = { endAt: at((earliestS + latestS) / 2), endEarliest: at(earliestS), endLatest: at(latestS) };
  return { cluster: 'c', type: 'lxc', vmid: 104, ...start, startEvidence: 'task', ...end, endEvidence: evidence };
}

/** Lists seen at these seconds, and tasks read. */
function judged(truths: TrueSession[], ledger: LedgerSession[], looksS: number[], tasks: Task[] = []) {
  const looks = looksS.map((s) => ({ node: 'n1', type: 'lxc' as const, sentAt: at(s), receivedAt: at(s) + 20 }));
  const { report, excused } = auditWithinReach(
    truths,
    ledger,
    { looks, tellings: [], tasksOf: () => tasks },
    at(10_000),
  );
  const faults = Object.entries(report).flatMap(([name, list]) =>
    name !== 'boundaryErrors' && list.length > 0 ? [name] : [],
  );
  const { earlierRuns, hiddenRuns, joinedRuns, idleStops } = excused;
  return { faults, excused: [earlierRuns, hiddenRuns, joinedRuns, idleStops] };
}

describe('what the audit of random worlds excuses', () => {
  it('is a run that was over before the first look, and whose end no task tells', () => {
    const run = [truth(100, 200, 'poweroff')];
    expect(judged(run, [], [500])).to.deep.equal({ faults: [], excused: [1, 0, 0, 0] });
    expect(judged([truth(100, 200, 'stop')], [], [500]).faults).to.deep.equal(['missing']);
  });

  it('is a run between two looks that no start task tells', () => {
    const run = [truth(100, 110, 'crash')];
    expect(judged(run, [], [90, 120])).to.deep.equal({ faults: [], excused: [0, 1, 0, 0] });
    expect(judged(run, [], [90, 120], [task('vzstart', 99, 101)]).faults).to.deep.equal(['missing']);
    expect(judged(run, [], [90, 105, 120]).faults).to.deep.equal(['missing']);
  });

  it('is a container that rebooted itself within its start’s task: one task announces one run', () => {
    const runs = [truth(100, 102, 'guest_reboot'), truth(104, 300, 'stop')];
    const [start, stop] = [task('vzstart', 99, 110), task('vzstop', 300, 301)];
    expect(judged(runs, [told(104, [299, 302])], [150], [start, stop]).faults).to.deep.equal([]);
    const alone = [task('vzstart', 99, 103), task('vzstart', 103, 110), stop];
    expect(judged(runs, [told(104, [299, 302])], [150], alone).faults).to.deep.equal(['missing']);
  });

  it('is a container that rebooted itself unseen, told as one with the run before', () => {
    const runs = [truth(100, 200, 'guest_reboot'), truth(202, 300, 'shutdown')];
    const ledger = [told(100, [299, 301])];
    expect(judged(runs, ledger, [50, 400])).to.deep.equal({ faults: [], excused: [0, 0, 1, 0] });
    expect(judged(runs, ledger, [50, 250, 400]).faults).to.deep.equal(['merged']);
  });

  it('is no merge of runs of which a task ended the first', () => {
    const runs = [truth(100, 200, 'shutdown'), truth(202, 300, 'shutdown')];
    const ledger = [told(100, [299, 301])];
    const shutdown = (outcome: 'ok' | 'failed') => [task('vzshutdown', 195, 201, { outcome })];
    expect(judged(runs, ledger, [50, 400], shutdown('ok')).faults).to.deep.equal(['merged']);
    expect(judged(runs, ledger, [50, 400], shutdown('failed')).faults).to.deep.equal([]);
  });

  it('is the hidden one of three alone, where the bounds of the first reach into the second', () => {
    const runs = [truth(0, 112, 'reboot'), truth(115, 200, 'guest_reboot'), truth(202, 300, 'shutdown')];
    const [first, second] = [told(0, [100, 120]), told(110, [299, 301])];
    const ledger = [first, { ...second, startEarliest: at(100), startLatest: at(120) }];
    const tasks = [task('vzstart', 0, 1), task('vzreboot', 100, 119)];
    expect(judged(runs, ledger, [400], tasks)).to.deep.equal({ faults: [], excused: [0, 0, 1, 0] });
  });

  it('is a stop that found nothing to stop, unless a look or the kind of task could have told', () => {
    const runs = [truth(100, 200, 'poweroff')];
    const ledger = [told(100, [210, 213])];
    const stop = [task('vzstop', 210, 212)];
    expect(judged(runs, ledger, [150, 240], stop)).to.deep.equal({ faults: [], excused: [0, 0, 0, 1] });
    expect(judged(runs, ledger, [150, 205, 240], stop).faults).to.deep.equal(['outOfBounds']);
    expect(judged(runs, ledger, [150, 240], [task('vzshutdown', 210, 212)]).faults).to.deep.equal(['outOfBounds']);
  });
});
