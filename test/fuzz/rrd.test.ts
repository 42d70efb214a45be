import { expect } from 'chai';
import type { AuditReport } from '../../src/simulator/auditor.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import { complaints, ledgerOf, runWorld, type WorldOptions } from './run-world.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WORLDS = 16;
const DAYS = 0.5;

/** Hours without a manager, twice in twelve. */
function downForHours({ beganAt, seed }: Scenario): { from: number; to: number }[] {
  return [1, 6].map((hour) => {
    const from = beganAt + hour * HOUR_MS + (seed % 7) * MINUTE_MS;
    return { from, to: from + (1 + (seed % 4)) * HOUR_MS };
  });
}

const optionsOf = (seed: number, asksRrd: boolean): WorldOptions => ({
  days: DAYS,
  nodes: 1 + (seed % 2),
  guests: 6,
  eventsPerGuestDay: 20,
  asksRrd,
  down: downForHours,
});

/** The widths of ends that nothing logged and that two polls alone leave wider than two minutes, by the session's start. */
function wideEnds(report: AuditReport, of: ReturnType<typeof ledgerOf>): Map<string, number> {
  expect(report.boundaryErrors.length).to.be.above(0);
  const wide = new Map<string, number>();
  for (const { vmid, type, cluster, startAt, endEvidence, endEarliest, endLatest } of of) {
    if ((endEvidence !== 'poll' && endEvidence !== 'rrd') || endEarliest === null || endLatest === null) continue;
    wide.set(`${cluster} ${type} ${vmid} ${startAt}`, endLatest - endEarliest);
  }
  return wide;
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

describe('rrd data over random worlds whose manager is down for hours', () => {
  it('narrows ends that nothing logged to minutes, and puts none outside its bounds', async () => {
    const before: number[] = [];
    const after: number[] = [];
    for (let seed = 1; seed <= WORLDS; seed += 1) {
      const plain = await runWorld(seed, optionsOf(seed, false));
      const told = await runWorld(seed, optionsOf(seed, true));
      // What the polls alone already get wrong is another matter; nothing may come to it.
      const known = new Set(complaints(plain));
      const fresh = complaints(told).filter((one) => !known.has(one));
      expect(fresh, `seed ${seed}`).to.deep.equal([]);
      const narrowed = wideEnds(told.report, ledgerOf(told.managers));
      for (const [key, widthMs] of wideEnds(plain.report, ledgerOf(plain.managers))) {
        if (widthMs <= 2 * MINUTE_MS) continue;
        before.push(widthMs);
        after.push(narrowed.get(key) ?? widthMs);
      }
    }
    const minutes = (ms: number): string => (ms / MINUTE_MS).toFixed(1);
    const figure = `${before.length} wide ends: the median width falls from ${minutes(median(before))} to ${minutes(median(after))} minutes`;
    process.stdout.write(`      ${figure}\n`);
    expect(before.length, figure).to.be.above(20);
    expect(median(after), figure).to.be.below(median(before) / 2);
  }).timeout(300_000);
});
