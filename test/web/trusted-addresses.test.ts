import { expect } from 'chai';
import { trustedAddresses } from '../../src/web/trusted-addresses.js';

describe('trusted addresses', () => {
  const table: [written: string, trusted: string[], others: string[]][] = [
    ['10.0.0.5', ['10.0.0.5', '::ffff:10.0.0.5', '::FFFF:0a00:0005'], ['10.0.0.6', '::ffff:10.0.0.6', '::10.0.0.5']],
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.1.1'], ['9.255.255.255', '11.0.0.0', '::1']],
    ['10.0.0.77/12', ['10.15.255.255'], ['10.16.0.0']],
    ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
    ['0.0.0.0/0', ['8.8.8.8', '::ffff:8.8.8.8'], ['::1', '2001:db8::1']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['127.0.0.1', '::2']],
    ['fd00::/8', ['fd12:3456::1', 'FD00::'], ['fe00::1', '10.0.0.1']],
    ['fe80::/10', ['fe80::1', 'fe80::1%eth0'], ['fd00::1']],
    ['::/64', ['::1'], ['8.8.8.8', '::ffff:8.8.8.8']],
    ['::ffff:10.0.0.0/104', ['10.9.9.9', '::ffff:10.9.9.9'], ['11.0.0.1']],
    ['::ffff:10.0.0.5', ['10.0.0.5', '::ffff:10.0.0.5'], ['10.0.0.6']],
  ];
  for (const [written, trusted, others] of table) {
    it(`of ${written} are those within it alone, in whichever form they come`, () => {
      const isTrusted = trustedAddresses([written]);
      for (const address of trusted) expect(isTrusted(address), address).to.equal(true);
      for (const address of others) expect(isTrusted(address), address).to.equal(false);
    });
  }

  it('are none where none is written, and what is no address is none of them', () => {
    expect(trustedAddresses([])('127.0.0.1')).to.equal(false);
    const isTrusted = trustedAddresses(['0.0.0.0/0', '::/0']);
    for (const word of ['', 'unknown', '10.0.0.5:1234', '10.0.0']) expect(isTrusted(word), word).to.equal(false);
    expect([isTrusted('10.0.0.5'), isTrusted('2001:db8::1')]).to.deep.equal([true, true]);
  });
});
