import { expect } from 'chai';
import fc from 'fast-check';
import { reportFrom, type AgentReport } from '../../src/core/agent-report.js';
import { agentSpans } from '../../src/core/agent-spans.js';
import { spansOfBoth } from '../../src/core/both-spans.js';
import type { Span } from '../../src/core/span.js';
import { at, BASE, deriveStory, running, stopped, tell } from './facts.js';

type Word = 'start' | 'stop' | AgentReport['state'];

/** A report stamped at a second; `start` and `stop` are events, all else is a row of a snapshot. */
function says(
  word: Word,
  atS: number,
  options: { contactS?: number; uptimeS?: number; nodeId?: number; by?: 'manual' } = {},
): AgentReport {
  const state = word === 'start' ? 'running' : word === 'stop' ? 'stopped' : word;
  return reportFrom({
    nodeId: options.nodeId ?? 1,
    source: options.by ?? 'agent',
    state,
    isEdge: word === 'start' || word === 'stop',
    window: { earliest: at(options.by === 'manual' ? atS : atS - 10), latest: at(atS) },
    uptimeS: options.uptimeS ?? null,
    contactBeforeAt: options.contactS === undefined ? null : at(options.contactS),
  });
}

const contact = (seconds: number): Map<number, number> => new Map([[1, at(seconds)]]);
const told = (spans: Span[]): string[] => tell(deriveStory({ spans }));

describe('what agents tell', () => {
  const cases: { title: string; reports: AgentReport[]; contactS?: number; expected: string[] }[] = [
    {
      title:
        'bounds a start by the contact before it, less the age of its reading, and takes the stamp for the instant',
      reports: [says('stopped', 60), says('start', 120, { contactS: 90 })],
      expected: ['80~120 agent .. open on 1'],
    },
    {
      title: 'bounds an end likewise, and names no reason that an agent cannot know',
      reports: [says('stopped', 60), says('start', 120, { contactS: 90 }), says('stop', 300, { contactS: 270 })],
      expected: ['80~120 agent .. 260~300 agent unlogged on 1'],
    },
    {
      title: 'narrows a start by the uptime of a snapshot',
      reports: [says('stopped', 60), says('start', 120, { contactS: 90 }), says('running', 150, { uptimeS: 45 })],
      expected: ['94~105 uptime .. open on 1'],
    },
    {
      title: 'knows no earliest start of what the first report found running',
      reports: [says('running', 150)],
      expected: ['?~150 log_edge .. open on 1'],
    },
    {
      title: 'takes a second start of what runs for the same session',
      reports: [says('stopped', 60), says('start', 120, { contactS: 90 }), says('start', 180, { contactS: 150 })],
      expected: ['80~120 agent .. open on 1'],
    },
    {
      title: 'moves a start back to an earlier stamp, and no further than the last stop',
      reports: [
        says('start', 180, { contactS: 150 }),
        says('start', 120, { contactS: 90 }),
        says('stop', 60, { contactS: 30 }),
        says('stopped', 50),
      ],
      expected: ['80~120 agent .. open on 1'],
    },
    {
      title: 'splits a session where a late stop belongs',
      reports: [
        says('stopped', 10),
        says('start', 60, { contactS: 30 }),
        says('start', 300, { contactS: 270 }),
        says('stop', 200, { contactS: 180 }),
      ],
      expected: ['20~60 agent .. 170~200 agent unlogged on 1', '260~300 agent .. open on 1'],
    },
    {
      title: 'makes nothing of a stop of what does not run',
      reports: [says('stop', 60), says('stop', 90)],
      expected: [],
    },
    {
      title: 'finds by a snapshot what an undelivered stop would have told, and trusts no contact between',
      reports: [says('stopped', 10), says('start', 60, { contactS: 30 }), says('stopped', 400, { contactS: 390 })],
      expected: ['20~60 agent .. 50~400 agent unlogged on 1'],
    },
    {
      title: 'finds a restart that no event told by the uptime of a snapshot',
      reports: [
        says('stopped', 10),
        says('start', 60, { contactS: 30 }),
        says('running', 900, { contactS: 880, uptimeS: 100 }),
      ],
      expected: ['20~60 agent .. 50~800 poll unlogged on 1', '789~800 uptime .. open on 1'],
    },
    {
      title: 'holds a guest missing from one snapshot to be not seen, and from two stopped',
      reports: [says('stopped', 10), says('start', 60, { contactS: 30 }), says('absent', 120), says('absent', 180)],
      expected: ['20~60 agent .. 50~180 agent unlogged on 1'],
    },
    {
      title: 'ends nothing by one snapshot that lacks the guest, nor by a state that is not known',
      reports: [says('stopped', 10), says('start', 60, { contactS: 30 }), says('absent', 120), says('unknown', 180)],
      contactS: 500,
      expected: ['20~60 agent .. open on 1'],
    },
    {
      title: 'lets a guest that moved be stopped here after it was started there',
      reports: [
        says('stopped', 10),
        says('start', 60, { contactS: 30 }),
        says('start', 300, { nodeId: 2 }),
        says('stop', 305, { contactS: 280 }),
      ],
      expected: ['20~60 agent .. 50~300 poll unlogged on 1', '50~300 agent .. open on 2'],
    },
    {
      title: 'takes a person’s word to the second',
      reports: [says('start', 60, { by: 'manual' }), says('stop', 300, { by: 'manual' })],
      expected: ['60~60 manual .. 300~300 manual manual on 1'],
    },
  ];
  for (const { title, reports, contactS, expected } of cases) {
    it(title, () => {
      expect(told(agentSpans(reports, contactS === undefined ? new Map() : contact(contactS)))).to.deep.equal(expected);
    });
  }

  it('lets a contact prove that what was said last still held ten seconds before', () => {
    const reports = [says('stopped', 60), says('start', 120, { contactS: 90 })];
    const spans = agentSpans(reports, contact(3600));
    expect(spans.at(-1)?.last.sentAt).to.equal(at(3590));
    const unsure = agentSpans([...reports, says('unknown', 180)], contact(3600));
    expect(unsure.at(-1)?.last.sentAt).to.equal(at(110));
  });

  it('holds a second delivery of a start to be no news of a stop that was missed', () => {
    const [there, here] = [says('start', 100, { nodeId: 2 }), says('start', 101)];
    const later = [says('running', 102), says('start', 102, { nodeId: 2 })];
    const once = agentSpans([there, here, ...later], new Map());
    expect(agentSpans([there, here, here, ...later], new Map())).to.deep.equal(once);
    expect(once[1]?.last.receivedAt).to.equal(at(102));
  });

  it('tells the same whatever the order and number in which reports arrive', () => {
    fc.assert(
      fc.property(fc.array(anyReport, { maxLength: 10 }), fc.nat(), (reports, salt) => {
        const shuffled = [...reports, ...reports.slice(0, 3)].sort((a, b) => hash(a, salt) - hash(b, salt));
        expect(told(agentSpans(shuffled, contact(5000)))).to.deep.equal(told(agentSpans(reports, contact(5000))));
      }),
    );
  });
});

describe('what polls and agents tell together', () => {
  it('hears the agent only where polls saw nothing', () => {
    const polled = [stopped(0, 100), running(110, [130, 3000])];
    const reports = [says('stopped', 60), says('start', 105, { contactS: 60 }), says('stop', 900, { contactS: 880 })];
    expect(told(spansOfBoth(polled, agentSpans(reports, contact(5000))))).to.deep.equal(told(polled));
  });

  it('finds what ran while polls were blind', () => {
    const polled = [stopped(0, 100), stopped(4000, 5000)];
    const reports = [
      says('stopped', 60),
      says('start', 1000, { contactS: 970 }),
      says('stop', 2000, { contactS: 1980 }),
    ];
    expect(told(spansOfBoth(polled, agentSpans(reports, contact(5000))))).to.deep.equal([
      '960~1000 agent .. 1970~2000 agent unlogged on 1',
    ]);
  });

  it('lets a run that both saw be one session', () => {
    const polled = [stopped(0, 100), running(110, [130, 300])];
    const reports = [says('running', 900, { uptimeS: 790 }), says('stop', 2000, { contactS: 1980 })];
    expect(told(spansOfBoth(polled, agentSpans(reports, contact(5000))))).to.deep.equal([
      '109~110 uptime .. 1970~2000 agent unlogged on 1',
    ]);
  });

  it('joins what an agent saw before the first poll', () => {
    const reports = [says('stopped', 10), says('start', 60, { contactS: 30 }), says('running', 90, { uptimeS: 35 })];
    const polled = [running(54.5, [1000, 1030, 1060])];
    expect(told(spansOfBoth(polled, agentSpans(reports, contact(990))))).to.have.length(1);
  });

  it('joins no run to the one before it where a stop lies between, though no uptime tells them apart', () => {
    const polled = [stopped(0, 100), running(110, [130, 300])];
    const reports = [says('stop', 900, { by: 'manual' }), says('start', 960, { by: 'manual' })];
    expect(told(spansOfBoth(polled, agentSpans(reports, new Map())))).to.deep.equal([
      '109~110 uptime .. 900~900 manual manual on 1',
      '960~960 manual .. open on 1',
    ]);
  });
});

const anyReport = fc
  .record({
    word: fc.constantFrom<Word>('start', 'stop', 'running', 'stopped', 'unknown', 'absent'),
    atS: fc.integer({ min: 100, max: 4000 }),
    contactS: fc.option(fc.integer({ min: 1, max: 90 })),
    uptimeS: fc.option(fc.integer({ min: 1, max: 90 })),
    nodeId: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ word, atS, contactS, uptimeS, nodeId }) =>
    says(word, atS, {
      nodeId,
      ...(contactS === null ? {} : { contactS: atS - contactS }),
      ...(uptimeS === null ? {} : { uptimeS }),
    }),
  );

function hash(report: AgentReport, salt: number): number {
  return ((report.window.latest - BASE) * 7919 + salt * 104_729 + report.state.length * 31) % 10_007;
}
