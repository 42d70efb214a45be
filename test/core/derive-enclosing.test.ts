import { expect } from 'chai';
import { deriveStory, running, stopped, task, tell, type Story } from './facts.js';

interface Case extends Story {
  title: string;
  expected: string[];
}

const ROOT = { user: 'root@pam' };

const cases: Case[] = [
  {
    title: 'suspended to disk and resumed: two sessions, the second begun inside qmresume',
    spans: [running(100, [120, 150]), stopped(210, 240), running(262, [270])],
    tasks: [task('qmsuspend', 160, 190), task('qmresume', 260, 265)],
    expected: ['99~100 uptime .. 160~191 task suspend on 1', '261~262 uptime .. open on 1'],
  },
  {
    title: 'resumed from disk while nobody looked, and stopped again',
    spans: [running(100, [120, 150]), stopped(900)],
    tasks: [task('qmsuspend', 160, 190), task('qmresume', 260, 265), task('qmstop', 500, 501)],
    expected: ['99~100 uptime .. 160~191 task suspend on 1', '260~266 task .. 500~502 task stop on 1'],
  },
  {
    title: 'resumed from RAM: no start at all',
    spans: [running(100, [120, 150, 300])],
    tasks: [task('qmpause', 160, 161), task('qmresume', 260, 261)],
    expected: ['99~100 uptime .. open on 1'],
  },
  {
    title: 'rolled back with RAM: the run ends and another begins inside the task',
    spans: [running(100, [120, 150]), running(166, [180])],
    tasks: [task('qmrollback', 160, 168)],
    expected: ['99~100 uptime .. 150~166 task rollback on 1', '165~166 uptime .. open on 1'],
  },
  {
    title: 'rolled back without RAM: it stays stopped',
    spans: [running(100, [120, 150]), stopped(180)],
    tasks: [task('qmrollback', 160, 168)],
    expected: ['99~100 uptime .. 150~169 task rollback on 1'],
  },
  {
    title: 'rolled back while stopped: nothing',
    spans: [stopped(120, 150), stopped(180)],
    tasks: [task('qmrollback', 160, 168)],
    expected: [],
  },
  {
    title: 'a stop-mode backup of a running VM: shut down as root, begun again without a task',
    spans: [running(100, [120, 150]), running(172, [180, 210])],
    tasks: [task('vzdump', 155, 400), task('qmshutdown', 156, 170, ROOT)],
    expected: ['99~100 uptime .. 156~171 task backup on 1', '171~172 uptime .. open on 1'],
  },
  {
    title: 'a container restarted while a migration failed and a backup began: either may have ended it',
    spans: [running(100, [120, 150]), running(177, [180, 210])],
    tasks: [task('vzmigrate', 155, 178, { outcome: 'failed' }), task('vzdump', 170, 400)],
    expected: ['99~100 uptime .. 150~177 poll unlogged on 1', '176~177 uptime .. open on 1'],
  },
  {
    title: 'powered off and started again within a backup, in one process: two runs',
    spans: [running(100, [120, 150, 600])],
    tasks: [task('vzdump', 155, 400), task('qmstart', 170, 171)],
    expected: ['99~100 uptime .. 155~172 poll unlogged on 1', '170~172 task .. open on 1'],
  },
  {
    title: 'a backup’s process for a stopped guest, whose lock was removed: no run',
    spans: [stopped(90, 150), running(160, [170, 390]), stopped(410)],
    tasks: [task('vzdump', 155, 400)],
    expected: [],
  },
  {
    title: 'a process that outlives the backup that it began in: a run',
    spans: [stopped(90, 150), running(160, [170, 390, 420]), stopped(450)],
    tasks: [task('vzdump', 155, 400)],
    expected: ['159~160 uptime .. 420~450 poll unlogged on 1'],
  },
  {
    title: 'a stop-mode backup that nobody watched, proven by a later stop',
    spans: [running(100, [120, 150]), stopped(900)],
    tasks: [task('vzdump', 155, 400), task('qmshutdown', 156, 170, ROOT), task('qmstop', 600, 601)],
    expected: ['99~100 uptime .. 156~171 task backup on 1', '156~401 task .. 600~602 task stop on 1'],
  },
  {
    title: 'a stop-mode backup of a container: both edges inside the task',
    spans: [running(100, [120, 150]), running(185, [210])],
    tasks: [task('vzdump', 155, 190)],
    expected: ['99~100 uptime .. 155~185 task backup on 1', '184~185 uptime .. open on 1'],
  },
  {
    title: 'a backup that leaves the guest running ends nothing',
    spans: [running(100, [120, 150, 180, 210])],
    tasks: [task('vzdump', 155, 190)],
    expected: ['99~100 uptime .. open on 1'],
  },
  {
    title: 'started during the backup of a stopped VM: its process is older than its run',
    spans: [stopped(120, 150), running(161, [330])],
    tasks: [task('vzdump', 160, 320), task('qmstart', 200, 202)],
    expected: ['200~203 task .. open on 1'],
  },
  {
    title: 'a container migrated by restart: two sessions on two nodes',
    spans: [running(100, [120, 150]), running(190, [210], { nodeId: 2 })],
    tasks: [task('vzmigrate', 160, 192), task('vzstart', 188, 191, { nodeId: 2, ...ROOT })],
    expected: ['99~100 uptime .. 160~190 task migrate on 1', '189~190 uptime .. open on 2'],
  },
  {
    title: 'moved twice while nobody looked: one session on three nodes',
    spans: [running(100, [120, 150]), running(2010, [3000], { nodeId: 3 })],
    tasks: [
      task('qmigrate', 1000, 1030),
      task('qmstart', 1003, 1006, { nodeId: 2, ...ROOT }),
      task('qmigrate', 2000, 2030, { nodeId: 2 }),
      task('qmstart', 2009, 2012, { nodeId: 3, ...ROOT }),
    ],
    expected: ['99~100 uptime .. open on 1>2>3'],
  },
  {
    title: 'moved and stopped while nobody looked',
    spans: [running(100, [120, 150]), stopped(3000, 3000, 2)],
    tasks: [
      task('qmigrate', 1000, 1030),
      task('qmstart', 1003, 1006, { nodeId: 2, ...ROOT }),
      task('qmshutdown', 2000, 2010, { nodeId: 2 }),
    ],
    expected: ['99~100 uptime .. 2000~2011 task shutdown on 1>2'],
  },
  {
    title: 'moved while stopped: no run',
    spans: [stopped(120, 150), stopped(210, 240, 2)],
    tasks: [task('qmigrate', 160, 190)],
    expected: [],
  },
  {
    title: 'recovered by HA on another node: the first run is fenced',
    spans: [running(100, [120, 150]), running(330, [345], { nodeId: 2 })],
    tasks: [task('qmstart', 329, 332, { nodeId: 2, ...ROOT })],
    expected: ['99~100 uptime .. 150~330 poll fenced on 1', '329~330 uptime .. open on 2'],
  },
  {
    title: 'a container destroyed by force: its run ends inside the task',
    spans: [running(100, [120, 150])],
    tasks: [task('vzdestroy', 160, 164)],
    expected: ['99~100 uptime .. 150~165 task destroy on 1'],
  },
  {
    title: 'restored live: the run begins inside the task',
    spans: [running(103, [150])],
    tasks: [task('qmrestore', 100, 600)],
    expected: ['102~103 uptime .. open on 1'],
  },
];

describe('derive, with tasks that enclose a stop or a start', () => {
  for (const one of cases) {
    it(one.title, () => expect(tell(deriveStory(one))).to.deep.equal(one.expected));
  }
});
