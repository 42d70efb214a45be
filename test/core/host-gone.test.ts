import { expect } from 'chai';
import { BASE, boot, deriveStory, running, stopped, task, tell, type Story } from './facts.js';

interface Case extends Story {
  title: string;
  expected: string;
  /** Seconds, of the first session's end. */
  endAtS: number;
}

const cases: Case[] = [
  {
    title: 'takes a node that we saw go dark for gone since the last proof',
    spans: [running(100, [120, 150]), stopped(1520)],
    boots: [boot(1, 1500, 1501)],
    expected: '99~100 uptime .. 150~1501 boot host on 1',
    endAtS: 150,
  },
  {
    title: 'takes it for gone since the last proof also where the guest never shows again',
    spans: [running(100, [120, 150])],
    boots: [boot(1, 1500, 1501)],
    expected: '99~100 uptime .. 150~1501 boot host on 1',
    endAtS: 150,
  },
  {
    title: 'takes a start that the log told later for the last proof, where the node went dark right after it',
    spans: [stopped(60, 150), stopped(1520)],
    tasks: [task('qmstart', 160, 162)],
    boots: [boot(1, 1500, 1501)],
    expected: '160~163 task .. 160~1501 boot host on 1',
    // The start's own likeliest instant: no end is before it.
    endAtS: 161.5,
  },
  {
    title: 'takes a node that nobody asked for gone only just before its boot',
    spans: [running(100, [120, 150]), stopped(9000)],
    boots: [boot(1, 1500, 1501)],
    expected: '99~100 uptime .. 150~1501 boot host on 1',
    endAtS: 1500.5,
  },
  {
    title: 'ends a run that the log alone tells at the boot that the log tells',
    spans: [stopped(9000)],
    tasks: [task('qmstart', 160, 162)],
    boots: [boot(1, 1500, 1501)],
    expected: '160~163 task .. 160~1501 boot host on 1',
    endAtS: 1500.5,
  },
  {
    title: 'ends a run that began in an outage of ours at the boot',
    spans: [stopped(60, 150), stopped(1520)],
    tasks: [task('qmstart', 700, 702)],
    boots: [boot(1, 1500, 1501)],
    expected: '700~703 task .. 700~1501 boot host on 1',
    endAtS: 1500.5,
  },
  {
    title: 'takes a fenced guest’s host for gone since the last proof, where that was shortly before',
    spans: [running(100, [120, 150]), running(310, [320], { nodeId: 2 })],
    tasks: [task('qmstart', 308, 311, { nodeId: 2, user: 'root@pam' })],
    expected: '99~100 uptime .. 150~310 poll fenced on 1',
    endAtS: 150,
  },
  {
    title: 'takes a fenced guest’s host for gone no longer than HA waits',
    spans: [running(100, [120, 150]), running(5000, [5020], { nodeId: 2 })],
    tasks: [task('qmstart', 4998, 5001, { nodeId: 2, user: 'root@pam' })],
    expected: '99~100 uptime .. 150~5000 poll fenced on 1',
    endAtS: 4820,
  },
];

describe('an end that only a host’s loss tells (ledger rule 15)', () => {
  for (const one of cases) {
    it(one.title, () => {
      const derived = deriveStory(one);
      expect(tell(derived)[0]).to.equal(one.expected);
      expect(((derived.sessions[0]?.end?.at ?? 0) - BASE) / 1000).to.be.closeTo(one.endAtS, 0.06);
    });
  }
});
