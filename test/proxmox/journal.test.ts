import { expect } from 'chai';
import { journalLine } from '../../src/proxmox/journal.js';

const at = (text: string): number => Date.parse(text) / 1000;

describe('a line of the journal', () => {
  const near = { aheadS: 0, nearS: at('2026-11-24T10:00:00Z') };

  it('is read with its stamp and message', () => {
    expect(journalLine('Nov 24 09:59:58 pve-01 qmeventd[700]: Starting cleanup for 104', near)).to.deep.equal({
      stampS: at('2026-11-24T09:59:58Z'),
      message: 'Starting cleanup for 104',
    });
    expect(journalLine('Nov  4 09:59:58 pve-01 systemd[1]: a: b', near)).to.deep.equal({
      stampS: at('2026-11-04T09:59:58Z'),
      message: 'a: b',
    });
    expect(journalLine('Nov 24 09:59:58 pve-01 kernel: x', near)?.message).to.equal('x');
  });

  it('bears the local time of the node', () => {
    const berlin = { ...near, aheadS: 3600 };
    expect(journalLine('Nov 24 10:59:58 pve-01 systemd[1]: x', berlin)?.stampS).to.equal(at('2026-11-24T09:59:58Z'));
    const newYork = { ...near, aheadS: -5 * 3600 };
    expect(journalLine('Nov 24 04:59:58 pve-01 systemd[1]: x', newYork)?.stampS).to.equal(at('2026-11-24T09:59:58Z'));
  });

  it('lies in the year that brings it nearest', () => {
    const newYear = { aheadS: 3600, nearS: at('2027-01-01T00:10:00Z') };
    expect(journalLine('Dec 31 23:59:59 pve-01 systemd[1]: x', newYear)?.stampS).to.equal(at('2026-12-31T22:59:59Z'));
    expect(journalLine('Jan  1 01:00:00 pve-01 systemd[1]: x', newYear)?.stampS).to.equal(at('2027-01-01T00:00:00Z'));
  });

  it('is nothing where it is a cursor, goes on from another, or has no such month', () => {
    for (const text of ['s=simulated;i=0;t=17', '   and more', '', '-- No entries --', 'Foo 24 10:00:00 a b[1]: c'])
      expect(journalLine(text, near), text).to.equal(null);
  });
});
