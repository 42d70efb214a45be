import { expect } from 'chai';
import { at, boot, deriveStory, running, stopped, task, tell, type Story } from './facts.js';

interface Case extends Story {
  title: string;
  expected: string[];
}

const cases: Case[] = [
  {
    title: 'starts by uptime, narrowed over several samples, and stays open',
    spans: [stopped(60), running(100.3, [120, 150.5, 180.2])],
    expected: ['100.2~100.5 uptime .. open on 1'],
  },
  {
    title: 'never lets a start lie before the last proof of stopped',
    spans: [stopped(60, 100.1), running(100.3, [120])],
    expected: ['100.1~101 uptime .. open on 1'],
  },
  {
    title: 'ends by a shutdown task between the last proof of running and the task’s end',
    spans: [running(100, [120, 150]), stopped(180)],
    tasks: [task('qmshutdown', 155, 171)],
    expected: ['99~100 uptime .. 155~172 task shutdown on 1'],
  },
  {
    title: 'ends in the poll’s window where no task explains it',
    spans: [running(100, [120, 150]), stopped(180)],
    expected: ['99~100 uptime .. 150~180 poll unlogged on 1'],
  },
  {
    title: 'gives a failed shutdown no weight',
    spans: [running(100, [120, 150]), stopped(180)],
    tasks: [task('qmshutdown', 125, 140, { outcome: 'failed' })],
    expected: ['99~100 uptime .. 150~180 poll unlogged on 1'],
  },
  {
    title: 'tells a reboot as two sessions, the first ended before the second begins',
    spans: [running(100, [120, 150]), running(170, [180])],
    tasks: [task('qmreboot', 155, 168), task('qmstart', 168, 171)],
    expected: ['99~100 uptime .. 155~169 task reboot on 1', '169~170 uptime .. open on 1'],
  },
  {
    title: 'sees a restart between two polls by the process alone',
    spans: [running(100, [120, 150]), running(170, [180])],
    expected: ['99~100 uptime .. 150~170 poll unlogged on 1', '169~170 uptime .. open on 1'],
  },
  {
    title: 'finds a run that began and ended between two stopped samples by its tasks',
    spans: [stopped(0, 30), stopped(60, 90)],
    tasks: [task('qmstart', 35, 37), task('qmstop', 45, 47)],
    expected: ['35~38 task .. 45~48 task stop on 1'],
  },
  {
    title: 'finds a hidden run even where the samples around it were joined',
    spans: [stopped(0, 90)],
    tasks: [task('qmstart', 35, 37), task('qmstop', 45, 47)],
    expected: ['35~38 task .. 45~48 task stop on 1'],
  },
  {
    title: 'ends a hidden run that nobody stopped before the next stopped sample',
    spans: [stopped(0, 30), stopped(60, 90)],
    tasks: [task('qmstart', 35, 37)],
    expected: ['35~38 task .. 35~60 poll unlogged on 1'],
  },
  {
    title: 'rebuilds several runs of an outage from the log',
    spans: [running(100, [120, 150]), running(5000, [5010])],
    tasks: [
      task('qmstop', 160, 162),
      task('qmstart', 1000, 1002),
      task('qmshutdown', 2000, 2010),
      task('qmstart', 4999, 5002),
    ],
    expected: [
      '99~100 uptime .. 160~163 task stop on 1',
      '1000~1003 task .. 2000~2011 task shutdown on 1',
      '4999~5000 uptime .. open on 1',
    ],
  },
  {
    title: 'puts a run whose start the log does not reach before its beginning',
    tasks: [task('qmshutdown', 50, 55)],
    spans: [stopped(90)],
    coverageSinceS: 10,
    expected: ['?~10 log_edge .. 50~56 task shutdown on 1'],
  },
  {
    title: 'takes the stop of a stopped guest for nothing',
    spans: [stopped(0, 30), stopped(60)],
    tasks: [task('qmstop', 40, 41)],
    expected: [],
  },
  {
    title: 'tells two starts without a stop between as two runs',
    spans: [stopped(0), stopped(900)],
    tasks: [task('qmstart', 100, 102), task('qmstart', 500, 502), task('qmstop', 600, 601)],
    expected: ['100~103 task .. 100~503 poll unlogged on 1', '500~503 task .. 600~602 task stop on 1'],
  },
  {
    title: 'gives a shutdown of several polls to the slot where the guest stopped',
    spans: [running(100, [120, 150, 180, 210]), stopped(240)],
    tasks: [task('qmshutdown', 155, 238)],
    expected: ['99~100 uptime .. 210~239 task shutdown on 1'],
  },
  {
    title: 'gives the stop of the second process to the second process',
    spans: [running(100, [120, 150]), running(165, [180]), stopped(210)],
    tasks: [task('qmstop', 155, 156), task('qmstart', 163, 166), task('qmstop', 175, 195)],
    expected: ['99~100 uptime .. 155~157 task stop on 1', '164~165 uptime .. 180~196 task stop on 1'],
  },
  {
    title: 'ends sessions at the node’s boot where nothing else tells',
    spans: [running(100, [120, 150]), stopped(600)],
    boots: [boot(1, 400, 401)],
    expected: ['99~100 uptime .. 150~401 boot host on 1'],
  },
  {
    title: 'keeps the session through a live migration, with a segment on the other node',
    spans: [running(100, [120, 150]), running(170, [210], { nodeId: 2, pid: 77 })],
    tasks: [task('qmigrate', 165, 200), task('qmstart', 168, 172, { nodeId: 2, user: 'root@pam' })],
    expected: ['99~100 uptime .. open on 1>2'],
  },
  {
    title: 'takes the receiving process of a failed migration for nothing',
    spans: [running(100, [120, 150, 240])],
    tasks: [
      task('qmigrate', 165, 200, { outcome: 'failed' }),
      task('qmstart', 168, 172, { nodeId: 2, user: 'root@pam' }),
      task('qmstop', 198, 199, { nodeId: 2, user: 'root@pam' }),
    ],
    expected: ['99~100 uptime .. open on 1'],
  },
  {
    title: 'tells a container’s reboot task as an end and a start in one task',
    spans: [running(100, [120, 150]), running(160, [180])],
    tasks: [task('vzreboot', 155, 162)],
    expected: ['99~100 uptime .. 155~160 task reboot on 1', '159~160 uptime .. open on 1'],
  },
  {
    title: 'sees a container’s reboot from inside by its process alone',
    spans: [running(100, [120, 150]), running(160, [180])],
    expected: ['99~100 uptime .. 150~160 poll unlogged on 1', '159~160 uptime .. open on 1'],
  },
];

describe('derive', () => {
  for (const one of cases) {
    it(one.title, () => expect(tell(deriveStory(one))).to.deep.equal(one.expected));
    it(`${one.title}, whatever order its tasks arrive in`, () => {
      const reversed = deriveStory({ ...one, tasks: [...(one.tasks ?? [])].reverse() });
      expect(tell(reversed)).to.deep.equal(one.expected);
    });
  }

  it('holds every instant within its bounds, and every end after its start', () => {
    for (const one of cases) {
      for (const { start, end } of deriveStory(one).sessions) {
        expect(start.at).to.be.within(start.earliest ?? start.at, start.latest);
        if (end === null) continue;
        expect(end.at).to.be.within(end.earliest ?? end.at, end.latest);
        expect(end.at).to.be.at.least(start.at);
      }
    }
  });

  it('takes a shutdown’s end for a second or two before its task’s', () => {
    const [session] = deriveStory({
      spans: [running(100, [120, 150]), stopped(180)],
      tasks: [task('qmshutdown', 155, 171)],
    }).sessions;
    expect(session?.end?.at).to.be.within(at(169.5), at(171.5));
  });
});
