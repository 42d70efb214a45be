import { expect } from 'chai';
import fc from 'fast-check';
import { derive, type GuestFacts } from '../../src/core/derive.js';
import { PAUSE_KINDS } from '../../src/core/pause-span.js';
import { EVIDENCE_TYPES, type Task, type TaskOutcome } from '../../src/core/task.js';
import type { Span } from '../../src/core/span.js';
import { at, boot, running, stopped, task, withPause } from './facts.js';

const types = [
  ...EVIDENCE_TYPES,
  'qmstart',
  'qmstop',
  'qmshutdown',
  'vzreboot',
  'qmigrate',
  'qmpause',
  'qmpause',
  'qmresume',
];

const anyTask = fc
  .record({
    type: fc.constantFrom(...types),
    startS: fc.integer({ min: 0, max: 2000 }),
    lastsS: fc.option(fc.integer({ min: 0, max: 400 }), { freq: 8 }),
    nodeId: fc.integer({ min: 1, max: 2 }),
    outcome: fc.constantFrom<TaskOutcome>('ok', 'ok', 'ok', 'failed', 'unknown'),
    salt: fc.nat(1000),
  })
  .map(({ type, startS, lastsS, nodeId, outcome, salt }): Task => {
    const plain = task(type, startS, lastsS === null ? null : startS + lastsS, { nodeId, outcome });
    return { ...plain, outcome: lastsS === null ? 'running' : outcome, upid: `${plain.upid}:${salt}` };
  });

/** Spans one after the other: each is seen for a while, on one node, as a new process or stopped. */
const someSpans = fc
  .array(
    fc.record({
      isRunning: fc.boolean(),
      nodeId: fc.integer({ min: 1, max: 2 }),
      waitS: fc.integer({ min: 1, max: 200 }),
      seenS: fc.integer({ min: 0, max: 300 }),
      ageS: fc.integer({ min: 1, max: 400 }),
      isSilent: fc.boolean(),
      pausedAfterS: fc.option(fc.integer({ min: 0, max: 200 })),
      kind: fc.constantFrom(...PAUSE_KINDS),
      isOver: fc.boolean(),
    }),
    { maxLength: 8 },
  )
  .map((list) => {
    let now = 0;
    let last = 0;
    return list.map(({ isRunning, nodeId, waitS, seenS, ageS, isSilent, ...pause }, k): Span => {
      const first = now + waitS;
      now = first + seenS;
      // Another process of the same node began after the last proof of the one before; a migration's may be older.
      const bornS = nodeId === last ? first - Math.min(ageS, waitS) : first - ageS;
      last = nodeId;
      if (!isRunning) return stopped(first, now, nodeId);
      const span = running(bornS, seenS === 0 ? [first] : [first, now], { nodeId, pid: 1000 + k, isSilent });
      if (pause.pausedAfterS === null) return span;
      const pausedS = first + Math.min(pause.pausedAfterS, seenS);
      const seenAt = { beforeS: first, ...(pause.isOver ? { afterS: now } : {}) };
      return withPause(span, [pausedS, (pausedS + now) / 2], { kind: pause.kind, ...seenAt });
    });
  });

const facts = fc
  .record({
    spans: someSpans,
    tasks: fc.uniqueArray(anyTask, { maxLength: 8, selector: (one) => one.upid }),
    bootS: fc.option(fc.integer({ min: 0, max: 2000 })),
  })
  .map(({ spans, tasks, bootS }): GuestFacts => ({
    type: 'qemu',
    spans,
    tasks,
    boots: bootS === null ? [] : [boot(1, bootS, bootS + 2)],
    coverageSince: new Map([1, 2].map((id) => [id, at(-1000)])),
    asOf: at(4000),
  }));

describe('derived sessions, of whatever facts', () => {
  it('keep their order, never overlap, and only the last is open', () => {
    fc.assert(
      fc.property(facts, (given) => {
        const { sessions } = derive(given);
        for (const [k, { start, end }] of sessions.entries()) {
          const next = sessions[k + 1];
          if (end === null) expect(next).to.equal(undefined);
          else expect(end.at).to.be.at.least(start.at);
          if (end !== null && next !== undefined) expect(next.start.at).to.be.at.least(end.at);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('have bounds in order that hold their likeliest instants', () => {
    fc.assert(
      fc.property(facts, (given) => {
        for (const { start, end } of derive(given).sessions) {
          for (const edge of end === null ? [start] : [start, end]) {
            if (edge.earliest !== null) expect(edge.at).to.be.at.least(edge.earliest);
            else expect(edge.evidence).to.equal('log_edge');
            expect(edge.at).to.be.at.most(edge.latest);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('fill themselves with segments, without a hole', () => {
    fc.assert(
      fc.property(facts, (given) => {
        for (const { start, end, segments } of derive(given).sessions) {
          expect(segments[0]?.startedAt).to.equal(start.at);
          expect(segments.at(-1)?.endedAt).to.equal(end?.at ?? null);
          for (const [k, segment] of segments.entries()) {
            const next = segments[k + 1];
            if (next !== undefined) expect(segment.endedAt).to.equal(next.startedAt);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('have pauses in order, within their session and apart from each other, whose bounds hold them', () => {
    let pauseCount = 0;
    fc.assert(
      fc.property(facts, (given) => {
        for (const { start, end, pauses } of derive(given).sessions) {
          pauseCount += pauses.length;
          let from = start.at;
          for (const pause of pauses) {
            for (const edge of pause.end === null ? [pause.start] : [pause.start, pause.end]) {
              expect(edge.at).to.be.at.least(from);
              expect(edge.at).to.be.within(edge.earliest, edge.latest);
              from = edge.at;
            }
            if (pause.end === null) expect([end, pause === pauses.at(-1)]).to.deep.equal([null, true]);
          }
          if (end !== null) expect(from).to.be.at.most(end.at);
        }
      }),
      { numRuns: 2000 },
    );
    expect(pauseCount).to.be.above(500);
  });

  it('are the same for tasks in any order and number', () => {
    fc.assert(
      fc.property(facts, fc.infiniteStream(fc.nat()), (given, dice) => {
        const twice = [...given.tasks, ...given.tasks.filter((_, k) => k % 2 === 0).map((one) => ({ ...one }))];
        const keyed = twice.map((one) => ({ one, key: dice.next().value ?? 0 }));
        const shuffled = keyed.sort((a, b) => a.key - b.key).map(({ one }) => one);
        expect(derive({ ...given, tasks: shuffled })).to.deep.equal(derive(given));
      }),
      { numRuns: 1000 },
    );
  });
});
