import { expect } from 'chai';
import type { GapView, SessionView } from '../../../src/ledger/queries/read-model.js';
import { hourTicks, timelineRow, type RowSource } from '../../../src/web/charts/timeline.js';

const HOUR = 3_600_000;
const from = Date.UTC(2026, 10, 23, 12);
const to = from + 24 * HOUR;

function session(start: number, end: number | null, path: [string, number][] = [['pve-01', start]]): SessionView {
  const edge = (at: number) => ({ at, earliest: at, latest: at, evidence: 'poll' as const });
  const segments = path.map(([node, startedAt], k) => ({
    node,
    startedAt,
    endedAt: path[k + 1]?.[1] ?? end,
    cores: null,
    memoryBytes: null,
  }));
  return {
    id: 1,
    guestId: 1,
    clusterId: 1,
    cluster: 'lab',
    vmid: 104,
    type: 'qemu',
    guestName: 'vGPU-1',
    isGuestPresent: true,
    node: segments.at(-1)?.node ?? 'pve-01',
    start: edge(start),
    end: end === null ? null : edge(end),
    endReason: null,
    startUpid: null,
    stopUpid: null,
    user: null,
    provenUntil: end ?? to,
    durationMs: (end ?? to) - start,
    segments,
    pauses: [],
    pausedMs: 0,
    createdAt: start,
  };
}

function gap(startedAt: number, endedAt: number | null, more: Partial<GapView> = {}): GapView {
  const base = { id: 1, cluster: 'lab', node: 'pve-01', reason: 'unreachable' as const, detail: null, isProven: false };
  return { ...base, startedAt, endedAt, ...more };
}

function row(source: Partial<RowSource>) {
  const base = { label: 'vGPU-1', href: '', from, to, node: 'pve-01', sessions: [], gaps: [] };
  return timelineRow({ ...base, ...source }, 'UTC', to);
}

describe('the timeline', () => {
  it('places a run by its share of the width and clips it to the range', () => {
    const { runs, summary } = row({ sessions: [session(from - HOUR, from + 6 * HOUR)] });
    expect(runs.map((bar) => [bar.x, bar.width])).to.deep.equal([['0', '25']]);
    expect(summary).to.equal('vGPU-1: running for 6 h 00 m 00 s');
  });

  it('keeps a run of a second visible, also at the right edge', () => {
    const { runs } = row({ sessions: [session(to - 1000, null)] });
    expect(runs.map((bar) => Number(bar.x) + Number(bar.width))).to.deep.equal([100]);
    expect(Number(runs[0]?.width)).to.be.greaterThan(0.3);
  });

  it('hatches an unproven gap of the node, whether the guest was thought to run or not', () => {
    const ranges = row({ gaps: [gap(from + 6 * HOUR, from + 12 * HOUR), gap(to - HOUR, null)] });
    expect(ranges.unseen.map((bar) => [bar.x, bar.width])).to.deep.equal([
      ['25', '25'],
      ['95.833', '4.167'],
    ]);
    expect(ranges.summary).to.equal('vGPU-1: not running, not seen for 7 h 00 m 00 s');
  });

  it('hatches neither what was proven since nor what another node missed', () => {
    const proven = gap(from + HOUR, from + 2 * HOUR, { isProven: true });
    const elsewhere = gap(from + HOUR, from + 2 * HOUR, { node: 'pve-02' });
    expect(row({ sessions: [session(from, null)], gaps: [proven, elsewhere] }).unseen).to.deep.equal([]);
  });

  it('looks for gaps on the node that the guest was on then', () => {
    const moved = session(from, null, [
      ['pve-01', from],
      ['pve-02', from + 12 * HOUR],
    ]);
    const gaps = [gap(from + 2 * HOUR, from + 3 * HOUR), gap(from + 20 * HOUR, from + 21 * HOUR)];
    const found = row({ sessions: [moved], gaps });
    expect(found.unseen.map((bar) => bar.x)).to.deep.equal(['8.333']);
    expect(found.moves.map((move) => [move.x, move.title])).to.deep.equal([
      ['50', 'moved pve-01 → pve-02 at 00:00:00'],
    ]);
  });

  it('marks whole hours of the zone and ends with now', () => {
    const ticks = hourTicks(from + 600_000, to + 600_000, 'Asia/Kolkata', 4);
    expect(ticks.map((tick) => tick.label)).to.deep.equal([
      '20:00',
      '00:00',
      '04:00',
      '08:00',
      '12:00',
      '16:00',
      'now',
    ]);
  });
});
