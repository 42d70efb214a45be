import { expect } from 'chai';
import { unansweredSentence } from '../../src/agent/unanswered.js';

const URL = 'https://manager.example:8443';
const sentenceOf = (code: string): string =>
  unansweredSentence(new Error('failed', { cause: Object.assign(new Error('inner'), { code }) }), URL, 5);

describe('why the manager gave the agent no answer', () => {
  const causes: [sentence: RegExp, codes: string[]][] = [
    [/did not answer within 5 s/, ['ETIMEDOUT']],
    [/refused the connection/, ['ECONNREFUSED']],
    [/cannot be found by DNS/, ['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA']],
    [/no route to it/, ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN']],
    [/does not speak TLS/, ['EPROTO', 'ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_TLS_INVALID_PROTOCOL_VERSION']],
    [/broke off without an answer/, ['ECONNRESET', 'EPIPE', 'ESOMETHING']],
  ];
  for (const [sentence, codes] of causes) {
    it(`is told by its code: ${codes.join(', ')}`, () => {
      for (const code of codes) expect(sentenceOf(code)).to.match(sentence);
    });
  }

  it('is told from the first of the addresses that were tried', () => {
    const tried = new AggregateError([Object.assign(new Error('first'), { code: 'ECONNREFUSED' })]);
    expect(unansweredSentence(tried, URL, 5)).to.match(/refused the connection/);
  });
});
