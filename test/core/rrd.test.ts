import { expect } from 'chai';
import type { NodeClock } from '../../src/core/node-clock.js';
import { marksOf, type RrdBin, type RrdMark } from '../../src/core/rrd.js';
import { withRrd } from '../../src/core/rrd-ends.js';
import { wantedRrd } from '../../src/core/rrd-wanted.js';
import { newGuest, emptyProfile, type GuestState } from '../../src/core/guest.js';
import type { Session } from '../../src/core/session.js';
import type { Task } from '../../src/core/task.js';
import { task } from './facts.js';

const asOf = 100_000_000;
const MINUTE = 60_000;

/** Bins of one minute from minute to minute: `r` running, `s` stopped, a space where nothing is known. */
function bins(fromMinute: number, states: string, nodeId = 1): RrdMark[] {
  return [...states].flatMap((state, k) => {
    if (state === ' ') return [];
    const endS = (fromMinute + k + 1) * 60;
    const ended = { earliest: endS * 1000, latest: endS * 1000 };
    return [{ nodeId, stampS: endS, stepS: 60, state: state === 'r' ? ('running' as const) : 'stopped', ended }];
  });
}

/** A session from minute 0 that ended, unexplained, between two polls. */
function session(earliestMinute: number, latestMinute: number, more: Partial<Session> = {}): Session {
  const edge = { evidence: 'poll' as const, upid: null, proofs: ['a sample'] };
  const at = ((earliestMinute + latestMinute) / 2) * MINUTE;
  return {
    start: { ...edge, at: 0, earliest: 0, latest: 0 },
    end: { ...edge, at, earliest: earliestMinute * MINUTE, latest: latestMinute * MINUTE },
    endReason: 'unlogged',
    user: null,
    segments: [{ nodeId: 1, startedAt: 0, endedAt: at }],
    pauses: [],
    ...more,
  };
}

/** `earliest~latest at evidence` of the first session's end, in minutes. */
function ends(sessions: Session[], marks: RrdMark[], tasks: Task[] = []): string {
  const [first] = withRrd(sessions, marks, tasks, asOf);
  const end = first?.end ?? null;
  if (end === null) return 'open';
  expect(first?.segments.at(-1)?.endedAt).to.equal(end.at);
  const minutes = (ms: number | null): number => Math.round((ms ?? NaN) / 600) / 100;
  return `${minutes(end.earliest)}~${minutes(end.latest)} ${minutes(end.at)} ${end.evidence}`;
}

const untold = '10~60 35 poll';

describe('rrd data', () => {
  it('bounds an end by the last bin with a value and the first without one, to the heartbeat after it', () => {
    // Ran within or after [29, 30]; a round up to 125 s after minute 31 found nothing.
    expect(ends([session(10, 60)], bins(10, 'r'.repeat(20) + 's'.repeat(30)))).to.equal('29~33.08 30 rrd');
    expect(ends([session(10, 60)], bins(10, 'r'.repeat(20) + '    ' + 's'.repeat(26)))).to.equal('29~37.08 32 rrd');
  });

  it('cuts one side where only that is told', () => {
    expect(ends([session(10, 60)], bins(10, 'r'.repeat(20)))).to.equal('29~60 45 rrd');
    expect(ends([session(10, 60)], bins(30, 's'.repeat(30)))).to.equal('10~33.08 20 rrd');
  });

  it('takes a bin of half an hour for half of it with a value', () => {
    const wide = (endMinute: number, state: RrdBin['state']): RrdMark => {
      const ended = { earliest: endMinute * MINUTE, latest: endMinute * MINUTE };
      return { nodeId: 1, stampS: endMinute * 60, stepS: 1800, state, ended };
    };
    const two = [wide(120, 'running'), wide(150, 'stopped')];
    expect(ends([session(10, 400)], two)).to.equal('104~152.08 120 rrd');
  });

  it('says nothing by bins that a process before or after may have made what they are', () => {
    // The process after the window may be written up to two minutes back, and the window's first minute may begin before it.
    expect(ends([session(10, 60)], bins(58, 'rr'))).to.equal(untold);
    expect(ends([session(10, 60)], bins(9, 's'))).to.equal(untold);
    const next = session(61, 70);
    const early = { ...next, start: { ...next.start, at: 40 * MINUTE, earliest: 20 * MINUTE, latest: 60 * MINUTE } };
    expect(ends([session(10, 60), early], bins(25, 'rrr'))).to.equal(untold);
  });

  it('says nothing where it ran again in between, by another node, or about narrow and explained ends', () => {
    expect(ends([session(10, 60)], bins(10, 'rrrrssssrrrrssss'))).to.equal(untold);
    expect(ends([session(10, 60)], bins(10, 'rrrrssss', 2))).to.equal(untold);
    expect(ends([session(10, 12)], bins(5, 'rrrrrsssss'))).to.equal('10~12 11 poll');
    expect(ends([session(10, 60, { endReason: 'shutdown' })], bins(10, 'rrrrssss'))).to.equal(untold);
    expect(ends([session(10, 60, { end: null })], bins(10, 'rrrrssss'))).to.equal('open');
  });

  it('says nothing around a task that may have restarted the guest, or kept it from going', () => {
    const stamp = (minute: number) => ({ earliest: minute * MINUTE, latest: minute * MINUTE + 999 });
    const of = (type: string, from: number, to: number): Task => ({
      ...task(type, 0, 1),
      start: stamp(from),
      end: stamp(to),
    });
    const marks = bins(10, 'r'.repeat(20) + 's'.repeat(30));
    // Its process may have been kept until minute 30, and bins reach two minutes further.
    expect(ends([session(10, 60)], marks, [of('vzdump', 25, 30)])).to.equal('21~34.08 26.5 rrd');
    expect(ends([session(10, 60)], marks, [of('vzrollback', 8, 58)])).to.equal(untold);
    expect(ends([session(10, 60)], marks, [of('vzdump', 40, 45)])).to.equal('29~33.08 30 rrd');
  });

  it('is of the node’s clock before and after a step alike where that was set', () => {
    const clock: NodeClock = {
      offset: { earliest: 0, latest: 0 },
      asOf,
      readingCount: 3,
      since: asOf,
      before: { earliest: 30_000, latest: 30_000 },
    };
    const [mark] = marksOf([{ stampS: asOf / 1000, stepS: 60, state: 'running' }], 1, clock);
    expect(mark?.ended.earliest).to.be.at.most(asOf - 30_000);
    expect(mark?.ended.latest).to.be.at.least(asOf);
  });

  it('is asked for the oldest wide end first, by the finest timeframe that reaches it, and once by each', () => {
    const guest = (vmid: number, of: Session): GuestState => ({
      ...newGuest('qemu', vmid, { nodeId: 1, firstSeenAt: 0, profile: emptyProfile }),
      sessions: [{ id: 1, guestId: 1, session: of }],
    });
    const guests = [guest(100, session(10, 200)), guest(101, session(100, 190)), guest(102, session(180, 181))];
    const asked = new Set<string>();
    const told: string[] = [];
    for (let k = 0; k < 6; k += 1) {
      const wanted = wantedRrd(guests, 1, 201 * MINUTE, asked);
      told.push(wanted === null ? '-' : `${wanted.vmid} ${wanted.timeframe}`);
      if (wanted !== null) asked.add(wanted.key);
    }
    expect(told).to.deep.equal(['101 hour', '101 day', '100 hour', '100 day', '-', '-']);
    expect(wantedRrd(guests, 2, 201 * MINUTE, new Set())).to.equal(null);
    expect(wantedRrd(guests, 1, 400 * MINUTE, new Set())).to.equal(null);
  });
});
