import { expect } from 'chai';
import { base32Of, codeAt, stepOf, stepOfCode } from '../../../src/ledger/access/totp.js';

const secret = Buffer.from('12345678901234567890');

describe('the codes of an authenticator', () => {
  // RFC 6238, appendix B, SHA-1: the last six of its eight digits.
  const vectors: [seconds: number, code: string][] = [
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ];
  for (const [seconds, code] of vectors) {
    it(`are ${code} at ${seconds} s, as RFC 6238 has it`, () => {
      expect(codeAt(secret, stepOf(seconds * 1000))).to.equal(code);
    });
  }

  it('count for one step before and after their own, and no further', () => {
    const at = 1_234_567_890_000;
    const code = codeAt(secret, stepOf(at));
    const found = [-60_000, -30_000, 0, 30_000, 60_000].map((ms) => stepOfCode(secret, code, at + ms));
    expect(found).to.deep.equal([null, stepOf(at), stepOf(at), stepOf(at), null]);
    for (const wrong of ['', '12345', '1234567', '００５９２４', `${code} `])
      expect(stepOfCode(secret, wrong, at), wrong).to.equal(null);
  });

  it('come from a secret that people can type', () => {
    expect(base32Of(secret)).to.equal('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ');
    // RFC 4648, section 10, without the padding.
    expect(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => base32Of(Buffer.from(text)))).to.deep.equal([
      '',
      'MY',
      'MZXQ',
      'MZXW6',
      'MZXW6YQ',
      'MZXW6YTB',
      'MZXW6YTBOI',
    ]);
  });
});
