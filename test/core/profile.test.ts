import { expect } from 'chai';
import { newGuest } from '../../src/core/guest.js';
import { profileChanges, sizedSegments, type ProfileChange } from '../../src/core/profile.js';
import type { Session } from '../../src/core/session.js';
import { at } from './facts.js';

const gib = 2 ** 30;
const profile = { name: 'db', cores: 4, memoryBytes: 8 * gib, tags: null, pool: null, isTemplate: false };

function session(startS: number, endS: number | null, nodes: [nodeId: number, startedS: number][]): Session {
  const edge = (s: number) => ({ at: at(s), earliest: at(s), latest: at(s), evidence: 'poll' as const });
  return {
    start: { ...edge(startS), upid: null, proofs: [] },
    end: endS === null ? null : { ...edge(endS), upid: null, proofs: [] },
    endReason: endS === null ? null : 'stop',
    user: null,
    segments: nodes.map(([nodeId, startedS], k) => {
      const next = nodes[k + 1]?.[1] ?? endS;
      return { nodeId, startedAt: at(startedS), endedAt: next === null ? null : at(next) };
    }),
    pauses: [],
  };
}

function cores(before: number, after: number, fromS: number, toS: number): ProfileChange {
  return { field: 'cores', before, after, window: { earliest: at(fromS), latest: at(toS) } };
}

function tell(each: Session, changes: ProfileChange[]): string[] {
  const s = (ms: number | null): string => (ms === null ? '' : String((ms - at(0)) / 1000));
  return sizedSegments(each, profile, changes).map(
    (one) => `${s(one.startedAt)}..${s(one.endedAt)} n${one.nodeId} ${String(one.cores)}`,
  );
}

describe('the sizes of a session', () => {
  const tables: [title: string, session: Session, changes: ProfileChange[], segments: string[]][] = [
    ['are the present one where nothing changed', session(100, null, [[1, 100]]), [], ['100.. n1 4']],
    [
      'split its segment in the middle of the two samples around a change',
      session(100, null, [[1, 100]]),
      [cores(2, 4, 200, 230)],
      ['100..215 n1 2', '215.. n1 4'],
    ],
    [
      'split at each of several changes, whatever order they are known in',
      session(100, 900, [[1, 100]]),
      [cores(8, 4, 400, 420), cores(2, 8, 200, 220)],
      ['100..210 n1 2', '210..410 n1 8', '410..900 n1 4'],
    ],
    [
      'leave a session that ended before the change its old size',
      session(100, 150, [[1, 100]]),
      [cores(2, 4, 200, 230)],
      ['100..150 n1 2'],
    ],
    [
      'give a session that began between the two samples the new size from its start',
      session(205, null, [[1, 205]]),
      [cores(2, 4, 200, 230)],
      ['205.. n1 4'],
    ],
    [
      'leave a session that ended between the two samples its old size',
      session(100, 225, [[1, 100]]),
      [cores(2, 4, 200, 230)],
      ['100..225 n1 2'],
    ],
    [
      'split the segment of the node that it ran on then',
      session(100, null, [
        [1, 100],
        [2, 300],
      ]),
      [cores(2, 4, 400, 420)],
      ['100..300 n1 2', '300..410 n2 2', '410.. n2 4'],
    ],
  ];
  for (const [title, each, changes, segments] of tables) {
    it(title, () => expect(tell(each, changes)).to.deep.equal(segments));
  }
});

describe('the changes of a profile', () => {
  const window = { earliest: at(0), latest: at(30) };
  const guest = newGuest('qemu', 104, { nodeId: 1, firstSeenAt: at(0), profile });

  it('are one for each field that differs, and for the node', () => {
    const after = { ...guest, nodeId: 2, profile: { ...profile, name: 'db-2', memoryBytes: 16 * gib, pool: 'prod' } };
    expect(
      profileChanges(guest, after, window).map(({ field, before, after: to }) => [field, before, to]),
    ).to.deep.equal([
      ['name', 'db', 'db-2'],
      ['memory_bytes', 8 * gib, 16 * gib],
      ['pool', null, 'prod'],
      ['node', 1, 2],
    ]);
  });

  it('are none where a guest known from the log alone is first listed', () => {
    const gone = { ...guest, profile: { ...profile, name: null, cores: null, memoryBytes: null } };
    expect(profileChanges(gone, guest, window)).to.deep.equal([]);
  });
});
