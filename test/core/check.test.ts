import { expect } from 'chai';
import { checkGuest } from '../../src/core/check.js';
import type { CheckedEdge, CheckedGuest, CheckedNode, CheckedSession } from '../../src/core/finding.js';

const HOUR = 3_600_000;
const asOf = Date.UTC(2026, 10, 24, 12);

/** An edge at that many hours before now, known to a second on either side. */
function edge(hoursAgo: number, more: Partial<CheckedEdge> = {}): CheckedEdge {
  const at = asOf - hoursAgo * HOUR;
  return { at, earliest: at - 1000, latest: at + 1000, correctedAt: null, ...more };
}

function session(id: number, start: number, end: number | null, more: Partial<CheckedSession> = {}): CheckedSession {
  return {
    id,
    start: edge(start),
    end: end === null ? null : edge(end),
    correctedEndAt: null,
    provenUntil: asOf - 10_000,
    segments: [{ nodeId: 1, startedAt: edge(start).at, endedAt: end === null ? null : edge(end).at }],
    ...more,
  };
}

function found(
  sessions: CheckedSession[],
  more: Partial<CheckedGuest> = {},
  bootHoursAgo: number | null = null,
): { kind: string; key: string; repair: string }[] {
  const guest: CheckedGuest = {
    id: 9,
    type: 'qemu',
    vmid: 104,
    name: 'web',
    destroyed: null,
    sessions,
    conflicts: [],
    ...more,
  };
  const boot = bootHoursAgo === null ? null : { ...edge(bootHoursAgo), earliest: edge(bootHoursAgo).at - 1000 };
  const nodes = new Map<number, CheckedNode>([[1, { name: 'pve-01', boot }]]);
  return checkGuest(guest, { asOf, nodes }).map(({ kind, key, repair, sentence }) => {
    expect(sentence, kind).to.match(/^qemu 104 "web": .+\.$/);
    const to = repair === null || repair.at === null ? null : (asOf - repair.at) / HOUR;
    return { kind, key, repair: repair === null ? 'none' : `${repair.sessionId} ${repair.field} ${String(to)}` };
  });
}

describe('the sanity checker', () => {
  it('finds nothing in sessions that follow each other, also without time between', () => {
    expect(found([session(3, 2, null), session(1, 30, 20), session(2, 20, 4)], {}, 40)).to.deep.equal([]);
  });

  it('finds nothing where a later boot ended the session within its bounds', () => {
    const end = edge(10, { earliest: edge(11).at, latest: edge(9.9).at });
    const ended = session(1, 30, 10, { end });
    expect(found([ended], {}, 10)).to.deep.equal([]);
  });

  it('finds a session that begins before the one before has ended, and would end the earlier one there', () => {
    expect(found([session(1, 30, 10), session(2, 20, 5)])).to.deep.equal([
      { kind: 'overlap', key: 'overlap-1-2', repair: '1 end 20' },
    ]);
  });

  it('looks past a short session inside a long one', () => {
    const kinds = found([session(1, 30, 5), session(2, 20, 19), session(3, 10, 8)]);
    expect(kinds.map(({ key }) => key)).to.deep.equal(['overlap-1-2', 'overlap-1-3']);
  });

  it('finds two open sessions, and one that is open though another began and ended since', () => {
    expect(found([session(1, 30, null), session(2, 20, null)])).to.deep.equal([
      { kind: 'two_open', key: 'open-1-2', repair: '1 end 20' },
    ]);
    expect(found([session(1, 20, null), session(2, 10, 5)])[0]).to.deep.equal({
      kind: 'overlap',
      key: 'overlap-1-2',
      repair: '1 end 10',
    });
  });

  it('finds a session past the end of its guest', () => {
    const destroyed = { ...edge(12), earliest: edge(12).at };
    expect(found([session(1, 30, 10)], { destroyed })).to.deep.equal([
      { kind: 'past_guest_end', key: 'guest-end-1', repair: '1 end 12' },
    ]);
    const silent = session(1, 20, null, { provenUntil: edge(13).at });
    expect(found([silent], { destroyed })[0]?.repair).to.equal('1 end 12');
    // Proven after it was destroyed: which of both is wrong is for a person to say.
    expect(found([session(1, 20, null)], { destroyed })[0]?.repair).to.equal('none');
    expect(found([session(1, 30, 12)], { destroyed })).to.deep.equal([]);
  });

  it('finds a session that ran on through the boot of its node', () => {
    expect(found([session(1, 30, 10)], {}, 20)).to.deep.equal([
      { kind: 'past_node_boot', key: 'boot-1-1', repair: '1 end 20' },
    ]);
    expect(found([session(1, 30, null)], {}, 20)[0]?.repair).to.equal('none');
    expect(found([session(1, 19, null)], {}, 20)).to.deep.equal([]);
  });

  it('finds an end before its start', () => {
    const kinds = found([session(1, 10, 20)]).map(({ kind }) => kind);
    expect(kinds).to.deep.equal(['end_before_start']);
  });

  it('finds stretches that do not sum up to their session', () => {
    const at = (hours: number): number => edge(hours).at;
    const part = (from: number, to: number | null): CheckedSession['segments'][number] => ({
      nodeId: 1,
      startedAt: at(from),
      endedAt: to === null ? null : at(to),
    });
    const differs = (segments: CheckedSession['segments'], end: number | null): string[] =>
      found([session(1, 30, end, { segments })]).map(({ kind }) => kind);
    expect(differs([part(30, 20), part(20, 10)], 10)).to.deep.equal([]);
    expect(differs([part(30, 20), part(19, 10)], 10)).to.deep.equal(['segments_differ']);
    expect(differs([part(29, 20), part(20, 10)], 10)).to.deep.equal(['segments_differ']);
    expect(differs([part(30, 20), part(20, null)], 10)).to.deep.equal(['segments_differ']);
    expect(differs([], 10)).to.deep.equal(['segments_differ']);
    expect(differs([part(30, 20), part(20, null)], null)).to.deep.equal([]);
    expect(differs([part(30, 20), part(20, 10)], null)).to.deep.equal(['segments_differ']);
  });

  it('finds an open session that nothing proved for more than a day', () => {
    const unseen = (hours: number): { kind: string; repair: string }[] =>
      found([session(1, 60, null, { provenUntil: edge(hours).at })]);
    expect(unseen(24)).to.deep.equal([]);
    expect(unseen(25)).to.deep.equal([{ kind: 'unseen_open', key: 'unseen-1', repair: '1 end 25' }]);
  });

  it('finds an instant outside its own bounds, and would set it to the nearest within', () => {
    const late = edge(30, { latest: edge(31).at, earliest: edge(32).at });
    const segments = [{ nodeId: 1, startedAt: edge(30).at, endedAt: edge(10).at }];
    expect(found([session(1, 30, 10, { start: late, segments })])).to.deep.equal([
      { kind: 'bounds_exclude_at', key: 'bounds-start-1', repair: '1 start 31' },
    ]);
    const impossible = edge(30, { earliest: edge(29).at, latest: edge(31).at });
    expect(found([session(1, 30, 10, { start: impossible, segments })])[0]?.repair).to.equal('none');
    const fromLogEdge = edge(30, { earliest: null, latest: edge(30).at });
    expect(found([session(1, 30, 10, { start: fromLogEdge })])).to.deep.equal([]);
  });

  it('tells each conflict of evidence', () => {
    const conflict = { id: 4, sessionId: null, edge: 'end', kept: 'a sample of running', setAside: 'task X' };
    expect(found([], { conflicts: [conflict] })).to.deep.equal([
      { kind: 'evidence_conflict', key: 'conflict-4', repair: 'none' },
    ]);
  });

  it('judges sessions as corrected, and tells of a correction that a later proof contradicts', () => {
    const settled = session(1, 30, 10, { end: edge(10, { correctedAt: edge(20).at }) });
    expect(found([settled, session(2, 20, 5)])).to.deep.equal([]);
    const ended = session(1, 60, null, { correctedEndAt: edge(30).at, provenUntil: edge(30).at });
    expect(found([ended])).to.deep.equal([]);
    expect(found([{ ...ended, provenUntil: edge(1).at }])).to.deep.equal([
      { kind: 'correction_contradicted', key: 'contradicted-1', repair: '1 end null' },
    ]);
    const clipped = session(1, 60, null, { correctedEndAt: edge(20).at });
    expect(found([clipped, session(2, 20, null)])).to.deep.equal([]);
  });
});
