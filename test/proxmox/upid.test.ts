import { expect } from 'chai';
import { parseUpid } from '../../src/proxmox/upid.js';

describe('A UPID', () => {
  it('is read in its parts', () => {
    expect(parseUpid('UPID:pve-01:0000AB12:0012D687:65A1B2C3:qmstart:104:root@pam:')).to.deep.equal({
      node: 'pve-01',
      pid: 0xab12,
      pstart: 0x12d687,
      startTimeS: 0x65a1b2c3,
      type: 'qmstart',
      id: '104',
      user: 'root@pam',
      tokenName: null,
    });
  });

  it('may have an empty id, nine digits of pstart, a token and lower-case digits', () => {
    const upid = parseUpid('UPID:pve:0000ab12:1ABCDEF01:65a1b2c3:vzdump::tracker@pve!poll:');
    expect(upid).to.include({ id: '', pstart: 0x1abcdef01, user: 'tracker@pve', tokenName: 'poll' });
  });

  const faults: [string, string][] = [
    ['nothing', ''],
    ['no closing colon', 'UPID:pve:0000AB12:0012D687:65A1B2C3:qmstart:104:root@pam'],
    ['a short pid', 'UPID:pve:AB12:0012D687:65A1B2C3:qmstart:104:root@pam:'],
    ['a node that is no name', 'UPID:pve_1:0000AB12:0012D687:65A1B2C3:qmstart:104:root@pam:'],
    ['a node that ends in a dash', 'UPID:pve-:0000AB12:0012D687:65A1B2C3:qmstart:104:root@pam:'],
    ['no user', 'UPID:pve:0000AB12:0012D687:65A1B2C3:qmstart:104::'],
    ['no type', 'UPID:pve:0000AB12:0012D687:65A1B2C3::104:root@pam:'],
    ['a line after it', 'UPID:pve:0000AB12:0012D687:65A1B2C3:qmstart:104:root@pam:\n'],
  ];
  for (const [what, text] of faults) {
    it(`is none with ${what}`, () => expect(parseUpid(text)).to.equal(null));
  }
});
