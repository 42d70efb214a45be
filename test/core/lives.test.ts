import { expect } from 'chai';
import { deriveGuest } from '../../src/core/derive-guest.js';
import { newGuest, type GuestState } from '../../src/core/guest.js';
import { needsAbsenceCheck, needsReading, type IdentityFact } from '../../src/core/identity.js';
import { livesOf } from '../../src/core/lives.js';
import { newNodeState } from '../../src/core/node-state.js';
import { at, running, stopped, task } from './facts.js';

const profile = { name: 'vm', cores: 2, memoryBytes: 2 ** 30, tags: null, pool: null, isTemplate: false };

function guestOf(facts: Partial<GuestState>): GuestState {
  return { ...newGuest('qemu', 104, { nodeId: 1, firstSeenAt: at(0), profile }), ...facts };
}

function read(s: number, uuid: string | null, isLogComplete = true): IdentityFact {
  const identity = { type: 'qemu' as const, vmid: 104, uuid, createdTimeS: 1, hwaddr: null, rootfs: null };
  return {
    kind: 'read',
    type: 'qemu',
    vmid: 104,
    nodeId: 1,
    window: { earliest: at(s), latest: at(s) + 20 },
    identity,
    isLogComplete,
  };
}

function gone(s: number): IdentityFact {
  return { kind: 'gone', type: 'qemu', vmid: 104, nodeId: 1, window: { earliest: at(s), latest: at(s) + 20 } };
}

function cloned(s: number): IdentityFact {
  return {
    kind: 'cloned',
    upid: `clone ${s}`,
    type: 'qemu',
    vmid: 104,
    nodeId: 1,
    window: { earliest: at(s), latest: at(s) },
  };
}

/** "..150 task": when each life ended and by what; "..": it goes on. */
function tell(facts: Partial<GuestState>): string[] {
  return livesOf(guestOf(facts)).map(({ destroyed, isDestroyedByConfig }) =>
    destroyed === null
      ? '..'
      : `..${Math.round((destroyed.latest - at(0)) / 1000)} ${isDestroyedByConfig === true ? 'config' : 'task'}`,
  );
}

const old = running(0, [10, 100]);
const next = running(310, [320, 400]);

describe('the incarnations of a VMID', () => {
  const tables: [title: string, facts: Partial<GuestState>, lives: string[]][] = [
    ['are one where nothing ended it', { spans: [old] }, ['..']],
    ['end with a destroy', { spans: [old], tasks: [task('qmdestroy', 200, 201)] }, ['..202 task']],
    [
      'do not end with a destroy that failed',
      { spans: [old], tasks: [task('qmdestroy', 200, 201, { outcome: 'failed' })] },
      ['..'],
    ],
    [
      'are two where one was made whose predecessor’s end is not in the log',
      { spans: [old, next], tasks: [task('qmcreate', 300, 302)] },
      ['..301 task', '..'],
    ],
    [
      'are two where another was cloned into the VMID',
      { spans: [old, next], identities: [cloned(300)] },
      ['..300 task', '..'],
    ],
    [
      'are one where it was made before anything was seen of it',
      { spans: [next], tasks: [task('qmcreate', 300, 302)] },
      ['..'],
    ],
    [
      'are one where the uuid changes while the log is complete',
      { spans: [old, next], identities: [read(50, 'a'), read(350, 'b')] },
      ['..'],
    ],
    [
      'are two where the uuid changes and the log has a hole',
      { spans: [old, next], identities: [read(50, 'a'), read(350, 'b', false)] },
      ['..350 config', '..'],
    ],
    [
      'are one where it was restored with its uuid',
      {
        spans: [old, next],
        tasks: [task('qmdestroy', 200, 201), task('qmrestore', 300, 305)],
        identities: [read(50, 'a'), read(350, 'a')],
      },
      ['..'],
    ],
    [
      'are two where it was restored with another uuid',
      {
        spans: [old, next],
        tasks: [task('qmdestroy', 200, 201), task('qmrestore', 300, 305)],
        identities: [read(50, 'a'), read(350, 'b')],
      },
      ['..202 task', '..'],
    ],
    [
      'are two where it was restored, and has no uuid to be known by',
      {
        spans: [old, next],
        tasks: [task('qmdestroy', 200, 201), task('qmrestore', 300, 305)],
        identities: [read(50, null), read(350, null)],
      },
      ['..202 task', '..'],
    ],
    ['go on while its config was found missing once', { spans: [old], identities: [gone(200)] }, ['..']],
    [
      'end where two polls found its config nowhere',
      { spans: [old], identities: [gone(200), gone(230)] },
      ['..200 config'],
    ],
    ['go on where it was seen after that', { spans: [old, next], identities: [gone(200), gone(230)] }, ['..']],
  ];
  for (const [title, facts, lives] of tables) {
    it(title, () => expect(tell(facts)).to.deep.equal(lives));
    it(`${title}, in whatever order the facts came`, () => {
      const reversed = {
        ...facts,
        tasks: facts.tasks?.toReversed() ?? [],
        identities: facts.identities?.toReversed() ?? [],
      };
      expect(tell(reversed)).to.deep.equal(lives);
    });
  }

  it('keep the rows that they were first seen with', () => {
    const known = [{ id: 7, life: 1, firstSeenAt: at(310), destroyed: null }];
    const found = livesOf(
      guestOf({ lives: known, spans: [next], tasks: [task('qmstart', 0, 1), task('qmdestroy', 200, 201)] }),
    );
    expect(found.map(({ id, life }) => [id, life])).to.deep.equal([
      [null, 1],
      [7, 2],
    ]);
  });

  it('end their session where the config is gone, within the bounds of what was seen', () => {
    const guest = guestOf({ spans: [old], identities: [gone(200), gone(230)] });
    const [session] = deriveGuest(guest, () => newNodeState(1, 'n1'), at(300)).sessions;
    expect(session?.end).to.include({ earliest: at(100), latest: at(200) + 20 });
    expect(session?.endReason).to.equal('destroy');
  });
});

describe('what is asked of a guest’s identity', () => {
  it('is its config, once, and again after a task that can change it', () => {
    const open = { spans: [old], isOpen: true };
    expect(needsReading(guestOf(open))).to.equal(true);
    expect(needsReading(guestOf({ ...open, identities: [read(50, 'a')] }))).to.equal(false);
    for (const type of ['qmrestore', 'qmrollback', 'qmcreate']) {
      expect(needsReading(guestOf({ ...open, identities: [read(50, 'a')], tasks: [task(type, 60, 61)] }))).to.equal(
        true,
      );
    }
    expect(needsReading(guestOf({ ...open, identities: [read(50, 'a')], tasks: [task('qmreboot', 60, 61)] }))).to.equal(
      false,
    );
    expect(needsReading(guestOf({ spans: [old] }))).to.equal(false);
  });

  it('is whether it is gone, where its node’s newer lists do not hold it', () => {
    const absent = guestOf({ spans: [old] });
    expect(needsAbsenceCheck(absent, at(130))).to.equal(true);
    expect(needsAbsenceCheck(absent, at(90))).to.equal(false);
    expect(needsAbsenceCheck({ ...absent, isOpen: true }, at(130))).to.equal(false);
    expect(needsAbsenceCheck(guestOf({ spans: [stopped(10)], identities: [gone(50), gone(80)] }), at(130))).to.equal(
      false,
    );
  });
});
