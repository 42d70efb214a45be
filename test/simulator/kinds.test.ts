import { expect } from 'chai';
import { trapScenarios } from '../../src/simulator/scenarios.js';
import { compileWorld } from '../../src/simulator/world.js';
import { beganAt, tasksOf } from './asking.js';

const hourMs = 3_600_000;

/** By scenario: the tasks that each node's log shows an hour later, and the true sessions of the guests concerned. */
interface Expectation {
  scenario: string;
  tasks: Record<string, string[]>;
  /** `vmid@node[>node] how`, in order of vmid and start; `open` while it runs. */
  sessions: string[];
}

const table: Expectation[] = [
  { scenario: 'trap-01-backup-of-a-stopped-vm', tasks: { t1: ['vzdump:101 OK'] }, sessions: ['101 none'] },
  {
    scenario: 'trap-01-start-during-backup',
    tasks: { t1: ['vzdump:101 OK', 'qmstart:101 OK'] },
    sessions: ['101@t1 open'],
  },
  {
    scenario: 'trap-02-paused',
    tasks: { t1: ['qmpause:100 OK', 'qmresume:100 OK'] },
    sessions: ['100@t1 open paused'],
  },
  {
    scenario: 'trap-06-live-migration',
    tasks: { t1: ['qmigrate:100 OK'], t2: ['qmstart:100 OK'] },
    sessions: ['100@t1>t2 open'],
  },
  {
    scenario: 'trap-06-slow-migration',
    tasks: { t1: ['qmigrate:100 OK'], t2: ['qmstart:100 OK'] },
    sessions: ['100@t1>t2 open'],
  },
  {
    scenario: 'trap-07-failed-migration',
    tasks: { t1: ['qmigrate:100 migration problems'], t2: ['qmstart:100 OK', 'qmstop:100 OK'] },
    sessions: ['100@t1 open'],
  },
  {
    scenario: 'trap-09-container-restart-migration',
    tasks: { t1: ['vzmigrate:102 OK'], t2: ['vzstart:102 OK'] },
    sessions: ['102@t1 migrate', '102@t2 open'],
  },
  { scenario: 'trap-10-reset', tasks: { t1: ['qmreset:100 OK'] }, sessions: ['100@t1 open'] },
  {
    scenario: 'trap-10-reboot',
    tasks: { t1: ['qmreboot:100 OK', 'qmstart:100 OK', 'vzreboot:102 OK'] },
    sessions: ['100@t1 reboot', '100@t1 open', '102@t1 reboot', '102@t1 open'],
  },
  { scenario: 'trap-10-container-reboots-itself', tasks: { t1: [] }, sessions: ['102@t1 guest_reboot', '102@t1 open'] },
  {
    scenario: 'trap-11-unlogged-ends',
    tasks: { t1: [] },
    sessions: ['100@t1 poweroff', '102@t1 poweroff', '104@t1 crash'],
  },
  {
    scenario: 'trap-17-shutdown-fails',
    tasks: { t1: ['qmshutdown:100 VM quit/powerdown failed - got timeout', 'vzshutdown:102 OK'] },
    sessions: ['100@t1 open', '102@t1 shutdown'],
  },
  {
    scenario: 'trap-18-ha-requests',
    tasks: { t1: ['hastop:104 OK', 'qmshutdown:104 OK', 'hastart:104 OK', 'qmstart:104 OK'] },
    sessions: ['104@t1 shutdown', '104@t1 open'],
  },
  {
    scenario: 'trap-18-ha-relocate',
    tasks: { t1: ['hamigrate:104 OK', 'qmshutdown:104 OK', 'qmigrate:104 OK'], t2: ['qmstart:104 OK'] },
    sessions: ['104@t1 shutdown', '104@t2 open'],
  },
  {
    scenario: 'trap-20-rollback',
    tasks: { t1: ['qmrollback:100 OK', 'vzrollback:102 OK', 'vzstart:102 OK'] },
    sessions: ['100@t1 rollback', '100@t1 open', '102@t1 rollback', '102@t1 open'],
  },
  { scenario: 'trap-20-destroy-by-force', tasks: { t1: ['vzdestroy:102 OK'] }, sessions: ['102@t1 destroy'] },
  {
    scenario: 'trap-20-backup-by-stop',
    tasks: { t1: ['vzdump:100 OK', 'qmshutdown:100 OK', 'vzdump:102 OK'] },
    sessions: ['100@t1 backup', '100@t1 open', '102@t1 backup', '102@t1 open'],
  },
  { scenario: 'trap-20-live-restore', tasks: { t1: ['qmrestore:101 OK'] }, sessions: ['101@t1 open'] },
  {
    scenario: 'trap-20-remote-migration',
    tasks: { t1: ['qmigrate:100 OK'], 'far-1': ['qmtunnel:200 OK'] },
    sessions: ['100@t1 migrated_away', '200@far-1 open'],
  },
  {
    scenario: 'trap-21-stop-all',
    tasks: {
      t1: ['qmshutdown:100 OK', 'stopall: OK', 'vzshutdown:102 OK', 'qmstart:100 OK', 'startall: OK', 'vzstart:102 OK'],
    },
    sessions: ['100@t1 shutdown', '100@t1 open', '102@t1 shutdown', '102@t1 open'],
  },
  {
    scenario: 'trap-24-node-crash',
    tasks: { t1: ['qmstart:100 OK', 'startall: OK', 'vzstart:102 OK', 'qmstart:104 OK'] },
    sessions: ['100@t1 host', '100@t1 open', '102@t1 host', '102@t1 open', '104@t1 host', '104@t1 open'],
  },
  { scenario: 'trap-25-fenced', tasks: { t3: ['qmstart:104 OK'] }, sessions: ['104@t1 host', '104@t3 open'] },
  {
    scenario: 'trap-27-vmid-used-again',
    tasks: { t1: ['qmstop:100 OK', 'qmdestroy:100 OK', 'qmcreate:100 OK', 'qmstart:100 OK'] },
    sessions: ['100@t1 stop', '100@t1 open'],
  },
  {
    scenario: 'trap-28-clone-into-a-used-vmid',
    tasks: { t1: ['qmdestroy:101 OK', 'qmclone:100 OK', 'qmstart:101 OK'] },
    sessions: ['101@t1 open'],
  },
  { scenario: 'trap-31-template', tasks: { t1: ['qmtemplate:101 OK', 'vzdump:101 OK'] }, sessions: ['101 none'] },
  { scenario: 'trap-32-poweroff-during-backup', tasks: { t1: ['vzdump:100 OK'] }, sessions: ['100@t1 poweroff'] },
  {
    scenario: 'trap-32-poweroff-and-start-during-backup',
    tasks: { t1: ['vzdump:100 OK', 'qmstart:100 OK'] },
    sessions: ['100@t1 poweroff', '100@t1 open'],
  },
  {
    scenario: 'trap-33-suspended-to-disk',
    tasks: { t1: ['qmsuspend:100 OK', 'qmresume:100 OK'] },
    sessions: ['100@t1 suspend', '100@t1 open'],
  },
];

describe('what each kind of event shows and truly is', () => {
  const scenarios = new Map(trapScenarios(beganAt).map((scenario) => [scenario.name, scenario]));

  for (const { scenario: name, tasks, sessions } of table) {
    it(`${name}: ${sessions.join(', ')}`, () => {
      const scenario = scenarios.get(name);
      if (scenario === undefined) throw new Error(`no scenario ${name}`);
      const world = compileWorld(scenario);
      const at = beganAt + hourMs;
      for (const [node, expected] of Object.entries(tasks)) {
        expect([...tasksOf(world, node, at)].sort(), node).to.deep.equal([...expected].sort());
      }
      const wanted = new Set(sessions.map((text) => Number.parseInt(text, 10)));
      const truths = world.truth(at).filter((session) => wanted.has(session.vmid));
      const told = truths.map(({ vmid, segments, endedHow, pauses }) => {
        const nodes = segments.map((segment) => segment.node).join('>');
        return `${vmid}@${nodes} ${endedHow ?? 'open'}${pauses.length > 0 ? ' paused' : ''}`;
      });
      expect([...told].sort()).to.deep.equal(sessions.filter((text) => !text.endsWith('none')).sort());
    });
  }
});
