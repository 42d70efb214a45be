import { expect } from 'chai';
import { audit, isClean, type LedgerSession } from '../../src/simulator/auditor.js';
import type { TrueSession } from '../../src/simulator/truth.js';

function truth(startedAt: number, endedAt: number | null): TrueSession {
  const segments = [{ node: 'n1', startedAt, endedAt }];
  return { cluster: 'c', type: 'qemu', vmid: 100, life: 1, startedAt, endedAt, endedHow: null, segments, pauses: [] };
}

function stated(startAt: number, endAt: number | null, marginMs = 10): LedgerSession {
  return {
    cluster: 'c',
    type: 'qemu',
    vmid: 100,
    startAt,
    startEarliest: startAt - marginMs,
    startLatest: startAt + marginMs,
    startEvidence: 'uptime',
    endAt,
    endEarliest: endAt === null ? null : endAt - marginMs,
    endLatest: endAt === null ? null : endAt + marginMs,
    endEvidence: endAt === null ? null : 'task',
  };
}

const untilAt = 10_000;

describe('the auditor', () => {
  it('finds nothing wrong with a ledger whose bounds hold the truth, and tells its errors', () => {
    const [first, second] = [truth(100, 500), truth(800, null)];
    const report = audit([first, second], [stated(105, 498), stated(795, null)], untilAt);
    expect(isClean(report)).to.equal(true);
    expect(report.boundaryErrors).to.deep.equal([
      { edge: 'start', truth: first, kind: 'uptime', errorMs: 5, widthMs: 20 },
      { edge: 'end', truth: first, kind: 'task', errorMs: -2, widthMs: 20 },
      { edge: 'start', truth: second, kind: 'uptime', errorMs: -5, widthMs: 20 },
    ]);
  });

  it('tells a missing session from an extra one', () => {
    const report = audit([truth(100, 500), truth(800, 900)], [stated(100, 500), stated(2000, 2100)], untilAt);
    expect(report.missing.map((session) => session.startedAt)).to.deep.equal([800]);
    expect(report.extra.map((session) => session.startAt)).to.deep.equal([2000]);
  });

  it('tells two sessions merged into one, and one split in two', () => {
    const merged = audit([truth(100, 500), truth(520, 900)], [stated(100, 900)], untilAt);
    expect(merged.merged).to.have.lengthOf(1);
    expect(merged.missing).to.have.lengthOf(0);
    const split = audit([truth(100, 900)], [stated(100, 500), stated(520, 900)], untilAt);
    expect(split.split).to.have.lengthOf(1);
    expect(split.extra).to.have.lengthOf(0);
  });

  it('does not take wide neighbouring bounds for a merge', () => {
    const report = audit([truth(100, 500), truth(520, 900)], [stated(100, 510, 60), stated(540, 900, 60)], untilAt);
    expect(isClean(report)).to.equal(true);
  });

  it('finds a run of a moment that lies beside its stated instants, within its bounds', () => {
    expect(isClean(audit([truth(100, 101)], [stated(105, 106)], untilAt))).to.equal(true);
  });

  it('tells an edge out of its bounds, and an end where there is none', () => {
    const report = audit([truth(100, 500), truth(800, null)], [stated(150, 500), stated(800, 5000)], untilAt);
    expect(report.outOfBounds.map(({ edge, truth: of }) => `${of.startedAt} ${edge}`)).to.deep.equal([
      '100 start',
      '800 end',
    ]);
    expect(isClean(report)).to.equal(false);
  });

  it('keeps guests and clusters apart', () => {
    const report = audit([truth(100, 500)], [{ ...stated(100, 500), cluster: 'other' }], untilAt);
    expect([report.missing.length, report.extra.length]).to.deep.equal([1, 1]);
  });
});
