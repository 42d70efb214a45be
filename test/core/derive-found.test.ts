import { expect } from 'chai';
import { at, deriveStory, running, stopped, task, tell, type Story } from './facts.js';

/** Each was once told wrongly, and found by a random world. */
interface Case extends Story {
  title: string;
  expected: string[];
}

const cases: Case[] = [
  {
    title: 'a container that was rebooted twice, seen once between: each reboot ended what ran before it',
    type: 'lxc',
    spans: [running(10, [100, 150]), running(202, [203.4]), running(237, [262])],
    tasks: [task('vzreboot', 186, 204), task('vzreboot', 223, 239)],
    expected: [
      '9~10 uptime .. 186~202.4 task reboot on 1',
      '201.4~202.4 uptime .. 223~237 task reboot on 1',
      '236~237 uptime .. open on 1',
    ],
  },
  {
    title:
      'a VM that was started in its backup, powered off and was started again, all between two polls: two runs in one process',
    spans: [stopped(60, 90), running(100, [150, 900])],
    tasks: [task('vzdump', 95, 600), task('qmstart', 104, 106), task('qmstart', 130, 132)],
    expected: ['104~107 task .. 104~133 poll unlogged on 1', '130~133 task .. open on 1'],
  },
  {
    title:
      'a migration that failed, as the log’s first event: the stop at its target took the receiving process away, and no run',
    spans: [running(900, [930])],
    tasks: [
      task('qmigrate', 100, 180, { outcome: 'failed' }),
      task('qmstart', 102, 106, { nodeId: 2 }),
      task('qmstop', 170, 174, { nodeId: 2 }),
    ],
    coverageSinceS: 10,
    expected: ['899~900 uptime .. open on 1'],
  },
  {
    title: 'a container that two backups in a row stopped and started: the run between them is its own',
    type: 'lxc',
    spans: [running(100, [120, 150]), stopped(210, 240), running(300, [330, 450]), stopped(510), running(600, [630])],
    tasks: [task('vzdump', 160, 320), task('vzdump', 180, 640)],
    expected: [
      '99~100 uptime .. 150~210 poll unlogged on 1',
      '299~300 uptime .. 450~510 poll unlogged on 1',
      '599~600 uptime .. open on 1',
    ],
  },
  {
    title: 'a VM that came from another cluster: it is switched to as the last step of the task that took it in',
    spans: [stopped(50), running(100, [400, 430])],
    tasks: [task('qmtunnel', 90, 380)],
    expected: ['99~381 task .. open on 1'],
  },
  {
    title:
      'a guest that was stopped before it was moved, and started at its target before the move was noticed to be done',
    spans: [running(100, [120, 150]), stopped(900, 900, 2)],
    tasks: [
      task('qmstop', 160, 161),
      task('qmigrate', 170, 195),
      task('qmstart', 186, 188, { nodeId: 2 }),
      task('qmstop', 300, 301, { nodeId: 2 }),
    ],
    expected: ['99~100 uptime .. 160~162 task stop on 1', '186~189 task .. 300~302 task stop on 2'],
  },
  {
    title: 'a run from before the log that a backup in the log may have begun: its start reaches to the backup’s end',
    spans: [stopped(900)],
    tasks: [task('vzdump', 40, 80), task('qmstop', 300, 301)],
    coverageSinceS: 10,
    expected: ['?~81 log_edge .. 300~302 task stop on 1'],
  },
  {
    title: 'a stopped sample inside its start’s task, of a run that was stopped later: it began after the sample',
    spans: [stopped(0, 110), stopped(900)],
    tasks: [task('qmstart', 100, 130), task('qmstop', 300, 301)],
    expected: ['110~131 task .. 300~302 task stop on 1'],
  },
  {
    title:
      'a stopped sample inside its start’s task, and nothing that tells of the run since: it may have been over by then',
    spans: [stopped(0, 110), stopped(900)],
    tasks: [task('qmstart', 100, 130)],
    expected: ['100~131 task .. 100~900 poll unlogged on 1'],
  },
  {
    title:
      'a start inside a backup, in the second in which the process began: the task’s window holds the start either way',
    spans: [stopped(120, 150), running(200.4, [230, 330])],
    tasks: [task('vzdump', 160, 320), task('qmstart', 200, 202)],
    expected: ['200~203 task .. open on 1'],
  },
  {
    title:
      'a container seen stopped inside its backup: a stop of a container later proves that the backup started it again',
    spans: [running(100, [120, 150]), stopped(180), stopped(900)],
    tasks: [task('vzdump', 155, 190), task('vzstop', 600, 601)],
    expected: ['99~100 uptime .. 150~180 poll unlogged on 1', '180~191 task .. 600~602 task stop on 1'],
  },
  {
    title: 'a VM that was moved to where nobody looks: its run goes on there',
    spans: [running(100, [120, 150])],
    tasks: [task('qmigrate', 160, 200)],
    expected: ['99~100 uptime .. 150~201 task migrated_away on 1'],
  },
  {
    title:
      'a resume from disk as a backup of the node began: the resume started it, for a backup starts only what it found running',
    spans: [running(50, [80, 110]), stopped(150, 210), running(213, [240, 900])],
    tasks: [task('qmsuspend', 115, 118), task('qmresume', 211, 214), task('vzdump', 212, 242)],
    expected: ['49~50 uptime .. 115~119 task suspend on 1', '212~213 uptime .. open on 1'],
  },
  {
    title: 'a start just after a migration whose end is known to ten seconds: it is no receiving process',
    spans: [running(30, [60, 90], { nodeId: 2 }), running(169.5, [900])],
    tasks: [
      { ...task('qmigrate', 100, 165, { nodeId: 2 }), end: { earliest: at(160), latest: at(171) } },
      task('qmstart', 168, 171),
    ],
    expected: ['29~30 uptime .. 90~170.1 task migrated_away on 2', '168.9~170.1 task .. open on 1'],
  },
];

describe('derive, where random worlds found it wrong', () => {
  for (const one of cases) {
    it(one.title, () => expect(tell(deriveStory(one))).to.deep.equal(one.expected));
  }

  it('a container that took its time to shut down in its reboot: it ended shortly before its next process began', () => {
    const story = { spans: [running(100, [120, 150]), running(169, [180])], tasks: [task('vzreboot', 155, 170)] };
    const [before, after] = deriveStory(story).sessions;
    expect(before?.end?.at).to.be.within(at(167), after?.start.at ?? 0);
  });
});

describe('the likeliest start of a VM that came from another cluster', () => {
  it('is just before the task that took it in was done', () => {
    const { sessions } = deriveStory({
      spans: [stopped(50), running(100, [400, 430])],
      tasks: [task('qmtunnel', 90, 380)],
    });
    expect(sessions[0]?.start.at).to.be.within(at(379), at(381));
  });
});
