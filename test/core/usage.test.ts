import { expect } from 'chai';
import fc from 'fast-check';
import { daysOf, startOfDayBefore } from '../../src/core/calendar.js';
import { usageOf, usageOfDays, type UnprovenGap, type UsageFacts, type UsedSession } from '../../src/core/usage.js';

const HOUR = 3_600_000;
const asOf = Date.UTC(2026, 10, 24, 12);
const hour = (ago: number): number => asOf - ago * HOUR;

/** An edge that many hours ago, known to a second on either side. */
const edge = (ago: number, more: Partial<UsedSession['start']> = {}): UsedSession['start'] => ({
  at: hour(ago),
  earliest: hour(ago) - 1000,
  latest: hour(ago) + 1000,
  ...more,
});

function session(from: number, to: number | null, more: Partial<UsedSession> = {}): UsedSession {
  const end = to === null ? null : edge(to);
  const segments = [{ nodeId: 1, startedAt: hour(from), endedAt: end?.at ?? null }];
  return { start: edge(from), end, provenUntil: end?.at ?? asOf - 10_000, segments, ...more };
}

const gap = (from: number, to: number | null, nodeId = 1): UnprovenGap => ({
  nodeId,
  startedAt: hour(from),
  endedAt: to === null ? null : hour(to),
});

const facts = (sessions: UsedSession[], gaps: UnprovenGap[] = []): UsageFacts => ({ sessions, gaps });
const range = (from: number, to: number): { from: number; to: number } => ({ from: hour(from), to: hour(to) });

describe('the usage of a guest', () => {
  it('clips sessions at both edges of the range, and what the range cuts is exact', () => {
    const usage = usageOf(facts([session(30, 20), session(15, 5)]), range(25, 10), asOf);
    expect(usage).to.deep.equal({ totalMs: 10 * HOUR, sessionCount: 2, unseenMs: 0, errorMs: 2000 });
  });

  it('counts a session that only touches the range in neither of two neighbours twice', () => {
    const whole = facts([session(30, 20), session(20, 20), session(20, 5)]);
    expect(usageOf(whole, range(40, 20), asOf).sessionCount).to.equal(1);
    expect(usageOf(whole, range(20, 0), asOf).sessionCount).to.equal(2);
  });

  it('can be off by what a session may have had of the range though its instants lie beside it', () => {
    expect(usageOf(facts([session(30, 20)]), range(20, 10), asOf)).to.deep.equal({
      totalMs: 0,
      sessionCount: 0,
      unseenMs: 0,
      errorMs: 1000,
    });
  });

  it('counts an open session to its last proof, and what lies beyond as unseen', () => {
    const open = session(5, null, { provenUntil: hour(2) });
    expect(usageOf(facts([open]), range(10, -10), asOf)).to.deep.equal({
      totalMs: 3 * HOUR,
      sessionCount: 1,
      unseenMs: 2 * HOUR,
      errorMs: 1000,
    });
    expect(usageOf(facts([open]), range(1, 0), asOf)).to.include({ totalMs: 0, sessionCount: 1, unseenMs: HOUR });
    expect(usageOf(facts([open]), range(-1, -2), asOf)).to.include({ totalMs: 0, unseenMs: 0 });
  });

  it('takes a start before the log as far back as the range goes', () => {
    const cut = session(20, 10, { start: edge(20, { earliest: null, latest: hour(20) }) });
    expect(usageOf(facts([cut]), range(50, 0), asOf)).to.include({ totalMs: 10 * HOUR, errorMs: 30 * HOUR + 1000 });
    expect(usageOf(facts([cut]), range(20, 0), asOf)).to.include({ totalMs: 10 * HOUR, errorMs: 1000 });
    expect(usageOf(facts([cut]), range(50, 40), asOf)).to.include({ totalMs: 0, errorMs: 10 * HOUR });
  });

  it('is off by the worse of both directions, not by their sum', () => {
    const late = session(20, 10, { end: edge(10, { earliest: hour(11), latest: hour(10) }) });
    expect(usageOf(facts([late]), range(50, 0), asOf).errorMs).to.equal(HOUR + 1000);
  });

  it('tells how much of its sessions lies in gaps of the node that each ran on, once where gaps overlap', () => {
    const moved = session(30, 10, {
      segments: [
        { nodeId: 1, startedAt: hour(30), endedAt: hour(20) },
        { nodeId: 2, startedAt: hour(20), endedAt: hour(10) },
      ],
    });
    const gaps = [gap(25, 22), gap(24, 21), gap(19, 5), gap(15, 14, 2), gap(40, 39), gap(5, null, 2)];
    expect(usageOf(facts([moved], gaps), range(50, 0), asOf).unseenMs).to.equal(5 * HOUR);
    expect(usageOf(facts([moved], gaps), range(23, 14.5), asOf).unseenMs).to.equal(2.5 * HOUR);
  });

  it('counts the open gap of an open session once, though its proof ends there as well', () => {
    const open = session(5, null, { provenUntil: hour(2) });
    expect(usageOf(facts([open], [gap(2, null), gap(4, 3)]), range(10, 0), asOf).unseenMs).to.equal(3 * HOUR);
  });

  it('has no running time of an end before its start', () => {
    expect(usageOf(facts([session(5, 6)]), range(10, 0), asOf).totalMs).to.equal(0);
  });
});

const instant = fc.integer({ min: 0, max: 4000 }).map((minutes) => asOf - 70 * HOUR + minutes * 60_000 + 7);
const widthMs = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * HOUR }));
const someSessions = fc
  .array(
    fc.record({
      at: instant,
      lastsMs: widthMs,
      before: widthMs,
      after: widthMs,
      isOpen: fc.boolean(),
      node: fc.nat(2),
    }),
    { maxLength: 8 },
  )
  .map((list) =>
    list.map(({ at, lastsMs, before, after, isOpen, node }, k): UsedSession => {
      const end = { at: at + lastsMs, earliest: at + lastsMs - before, latest: at + lastsMs + after };
      return {
        start: { at, earliest: k === 0 && node === 0 ? null : at - before, latest: at + after },
        end: isOpen ? null : end,
        provenUntil: at + lastsMs,
        segments: [{ nodeId: node, startedAt: at, endedAt: isOpen ? null : end.at }],
      };
    }),
  );
const someGaps = fc.array(fc.record({ nodeId: fc.nat(2), startedAt: instant, lastsMs: fc.option(widthMs) }), {
  maxLength: 8,
});
const anyFacts = fc.tuple(someSessions, someGaps).map(([sessions, gaps]): UsageFacts => ({
  sessions,
  gaps: gaps.map(({ nodeId, startedAt, lastsMs }) => ({
    nodeId,
    startedAt,
    endedAt: lastsMs === null ? null : startedAt + lastsMs,
  })),
}));

describe('the laws of usage', () => {
  it('leave the sum the same wherever a range is split, and let no split hide an error', () => {
    fc.assert(
      fc.property(anyFacts, fc.tuple(instant, instant, instant), (of, instants) => {
        const [from = 0, cut = 0, to = 0] = instants.toSorted((a, b) => a - b);
        const whole = usageOf(of, { from, to }, asOf);
        const [left, right] = [usageOf(of, { from, to: cut }, asOf), usageOf(of, { from: cut, to }, asOf)];
        expect(left.totalMs + right.totalMs).to.equal(whole.totalMs);
        expect(left.unseenMs + right.unseenMs).to.equal(whole.unseenMs);
        expect(left.errorMs + right.errorMs).to.be.at.least(whole.errorMs);
        for (const value of Object.values(whole)) expect(value).to.satisfy(Number.isSafeInteger).and.to.be.at.least(0);
      }),
    );
  });

  it('hold the truth: edges moved within their bounds move the total by no more than the error', () => {
    const moves = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      {
        minLength: 8,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(someSessions, moves, fc.tuple(instant, instant), (sessions, shares, instants) => {
        const [from = 0, to = 0] = instants.toSorted((a, b) => a - b);
        const within = (edge: UsedSession['start'], share: number): number => {
          const earliest = edge.earliest ?? from;
          return Math.round(earliest + (edge.latest - earliest) * share);
        };
        const truths = sessions.map((one, k): UsedSession => {
          const [a = 0, b = 0] = shares[k] ?? [];
          const exact = (at: number): UsedSession['start'] => ({ at, earliest: at, latest: at });
          return { ...one, start: exact(within(one.start, a)), end: one.end && exact(within(one.end, b)) };
        });
        const stated = usageOf(facts(sessions), { from, to }, asOf);
        const truth = usageOf(facts(truths), { from, to }, asOf);
        expect(Math.abs(truth.totalMs - stated.totalMs)).to.be.at.most(stated.errorMs);
      }),
    );
  });

  for (const zone of [
    'UTC',
    'Europe/Berlin',
    'America/Havana',
    'Asia/Kathmandu',
    'Pacific/Apia',
    'Australia/Lord_Howe',
  ]) {
    it(`let the days of ${zone} sum up to the month, also where the clock changes`, () => {
      for (const [year, month] of [
        [2011, 11],
        [2026, 2],
        [2026, 9],
        [2026, 10],
      ] as const) {
        const [from, to] = [Date.UTC(year, month, 1) - 13 * HOUR, Date.UTC(year, month + 1, 1) + 5 * HOUR];
        const days = daysOf({ from, to }, zone);
        expect(days.map((day) => day.from)).to.deep.equal([from, ...days.slice(0, -1).map((day) => day.to)]);
        expect(days.at(-1)?.to).to.equal(to);
        const sessions = Array.from({ length: 300 }, (_, k) => {
          const at = from - 9 * HOUR + k * 2.6 * HOUR;
          const exact = (instant: number): UsedSession['start'] => ({
            at: instant,
            earliest: instant,
            latest: instant,
          });
          return { start: exact(at), end: exact(at + HOUR + k * 7), provenUntil: at + HOUR + k * 7, segments: [] };
        });
        const daily = usageOfDays(facts(sessions), days, asOf);
        const sum = daily.reduce((total, { usage }) => total + usage.totalMs, 0);
        expect(sum)
          .to.equal(usageOf(facts(sessions), { from, to }, asOf).totalMs)
          .and.be.above(100 * HOUR);
      }
    });
  }
});

describe('the days of a range', () => {
  const lengths = (from: string, to: string, zone: string): [string, number][] =>
    daysOf({ from: Date.parse(from), to: Date.parse(to) }, zone).map((day) => [day.date, (day.to - day.from) / HOUR]);

  it('have 23, 24 or 25 hours, and are cut to the range', () => {
    expect(lengths('2026-10-24T20:00Z', '2026-10-26T23:30Z', 'Europe/Berlin')).to.deep.equal([
      ['2026-10-24', 2],
      ['2026-10-25', 25],
      ['2026-10-26', 24],
      ['2026-10-27', 0.5],
    ]);
    expect(lengths('2026-03-28T23:00Z', '2026-03-29T22:00Z', 'Europe/Berlin')).to.deep.equal([['2026-03-29', 23]]);
    expect(lengths('2026-03-28T23:00Z', '2026-03-28T23:00Z', 'Europe/Berlin')).to.deep.equal([]);
  });

  it('leave out a date that the zone left out', () => {
    expect(lengths('2011-12-29T10:00Z', '2011-12-31T10:00Z', 'Pacific/Apia')).to.deep.equal([
      ['2011-12-29', 24],
      ['2011-12-31', 24],
    ]);
  });

  it('go back by days of the zone, not by hours', () => {
    const at = Date.parse('2026-10-26T12:00Z');
    expect(new Date(startOfDayBefore(at, 2, 'Europe/Berlin')).toISOString()).to.equal('2026-10-23T22:00:00.000Z');
    expect(new Date(startOfDayBefore(at, 0, 'Europe/Berlin')).toISOString()).to.equal('2026-10-25T23:00:00.000Z');
  });
});
