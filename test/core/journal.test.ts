import { expect } from 'chai';
import { endWindow, markOf, withJournal, type JournalMark } from '../../src/core/journal.js';
import type { Session } from '../../src/core/session.js';
import type { Task } from '../../src/core/task.js';
import { task } from './facts.js';

const asOf = 10_000_000;

function mark(kind: JournalMark['mark'], atS: number, nodeId = 1): JournalMark {
  return { nodeId, mark: kind, stampS: atS, written: { earliest: atS * 1000, latest: atS * 1000 + 999 } };
}

function backup(fromS: number, toS: number): Task {
  const stamp = (s: number) => ({ earliest: s * 1000, latest: s * 1000 + 999 });
  return { ...task('vzdump', 0, 1), start: stamp(fromS), end: stamp(toS) };
}

/** A session from 100 s on that ended between two polls. */
function session(earliestS: number, latestS: number, more: Partial<Session> = {}): Session {
  const edge = { evidence: 'poll' as const, upid: null, proofs: ['a sample'] };
  const at = ((earliestS + latestS) / 2) * 1000;
  return {
    start: { ...edge, at: 100_000, earliest: 99_000, latest: 101_000 },
    end: { ...edge, at, earliest: earliestS * 1000, latest: latestS * 1000 },
    endReason: 'unlogged',
    user: null,
    segments: [{ nodeId: 1, startedAt: 100_000, endedAt: at }],
    pauses: [],
    ...more,
  };
}

/** `earliest~latest at evidence` of the first session's end, in seconds. */
function ends(sessions: Session[], marks: JournalMark[], tasks: Parameters<typeof withJournal>[2] = []): string {
  const [first] = withJournal(sessions, marks, tasks, asOf);
  const end = first?.end ?? null;
  if (end === null) return 'open';
  expect(first?.segments.at(-1)?.endedAt).to.equal(end.at);
  return `${(end.earliest ?? 0) / 1000}~${end.latest / 1000} ${end.at / 1000} ${end.evidence}`;
}

describe('the journal', () => {
  it('is read for the lines that tell of the end of a process, and for no other', () => {
    const table: [string, string | null][] = [
      ['Starting cleanup for 104', 'qemu 104 cleanup'],
      ['Finished cleanup for 104', null],
      ['104.scope: Deactivated successfully.', 'qemu 104 scope'],
      ['104.scope: Succeeded.', 'qemu 104 scope'],
      ['104.scope: Consumed 3h 2min CPU time.', null],
      ['pve-container@201.service: Deactivated successfully.', 'lxc 201 service'],
      ['pve-container@201.service: Succeeded.', 'lxc 201 service'],
      ['session-104.scope: Deactivated successfully.', null],
      ['x Starting cleanup for 104', null],
      ['', null],
    ];
    for (const [message, expected] of table) {
      const found = markOf({ stampS: 1, message });
      expect(found === null ? null : `${found.type} ${found.vmid} ${found.mark}`, message).to.equal(expected);
    }
  });

  it('bounds an end to the second by a scope, and by a cleanup from 2 s before to 30 s after', () => {
    expect(endWindow(mark('scope', 165))).to.deep.equal({ earliest: 164_000, latest: 165_999 });
    expect(endWindow(mark('service', 165))).to.deep.equal({ earliest: 164_000, latest: 165_999 });
    expect(endWindow(mark('cleanup', 165))).to.deep.equal({ earliest: 163_000, latest: 195_999 });
  });

  it('narrows an end that no task explains, within the bounds of the polls', () => {
    expect(ends([session(150, 180)], [mark('scope', 165)])).to.equal('164~165.999 165.499 journal');
    expect(ends([session(150, 180)], [mark('cleanup', 165)])).to.equal('163~180 165.499 journal');
    expect(ends([session(165, 180)], [mark('scope', 165)])).to.equal('165~165.999 165.499 journal');
    expect(ends([session(150, 180)], [mark('scope', 165), mark('cleanup', 166)])).to.equal(
      '164~165.999 165.499 journal',
    );
  });

  it('says nothing by lines of another time or of another node', () => {
    for (const other of [mark('scope', 140), mark('scope', 182), mark('scope', 165, 2)]) {
      expect(ends([session(150, 180)], [other])).to.equal('150~180 165 poll');
    }
  });

  it('keeps every line possible where several fit', () => {
    expect(ends([session(150, 180)], [mark('scope', 155), mark('scope', 175)])).to.equal('154~175.999 164.999 journal');
  });

  it('leaves ends alone that a task explains, and open sessions', () => {
    const byTask = session(150, 180, { endReason: 'shutdown' });
    expect(ends([byTask], [mark('scope', 165)])).to.equal('150~180 165 poll');
    expect(ends([session(150, 180, { end: null })], [mark('scope', 165)])).to.equal('open');
  });

  it('tells nothing around a backup, which keeps the process of a guest that is off', () => {
    expect(ends([session(150, 180)], [mark('scope', 165)], [backup(140, 166)])).to.equal('150~180 165 poll');
    expect(ends([session(150, 180)], [mark('scope', 165)], [backup(100, 140)])).to.match(/journal$/);
  });

  it('never lets an end come after the next start, nor before its own', () => {
    const next = session(300, 330);
    const early = { ...next, start: { ...next.start, at: 165_200, earliest: 165_000, latest: 165_300 } };
    expect(ends([session(150, 166), early], [mark('scope', 165)])).to.equal('164~165.999 165.2 journal');
    expect(ends([session(150, 180), early], [mark('scope', 175)])).to.equal('150~180 165 poll');
  });
});
