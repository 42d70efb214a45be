import { connect } from 'node:net';
import { expect } from 'chai';
import type { Database } from '../../../src/ledger/database.js';
import { forEachDatabase } from '../../support/databases.js';
import { ADMIN_KEY, startLab, type Lab } from './lab.js';

const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/** What every answer carries, whatever it answers. */
const EVERYWHERE: [string, string][] = [
  ['content-security-policy', POLICY],
  ['x-content-type-options', 'nosniff'],
  ['x-frame-options', 'DENY'],
  ['referrer-policy', 'same-origin'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['permissions-policy', 'camera=(), geolocation=(), microphone=()'],
];
const NOWHERE = ['server', 'x-powered-by', 'via', 'x-aspnet-version', 'access-control-allow-origin'];

type Named = [what: string, status: number, request: string, more?: Record<string, string>];
const key = `X-API-Key: ${ADMIN_KEY}`;
const NO_STORE = { 'cache-control': 'no-store' };
const SNAPSHOT = '/api/ingest/vm-states';

/** The head and body of each request as they go over the wire: fetch would mend them. `HOST` stands for the header. */
const TABLE: Named[] = [
  ['an answer of the API', 200, `GET /api/nodes HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`, NO_STORE],
  ['the head of one', 200, `HEAD /api/nodes HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`, NO_STORE],
  ['health', 200, 'GET /health HTTP/1.1\r\nHOST\r\n\r\n', NO_STORE],
  ['a page', 200, 'GET /login HTTP/1.1\r\nHOST\r\n\r\n', NO_STORE],
  ['a redirect', 303, 'GET / HTTP/1.1\r\nHOST\r\n\r\n', NO_STORE],
  ['the page of an error', 404, 'GET /nowhere HTTP/1.1\r\nHOST\r\n\r\n', NO_STORE],
  ['a page that a key may not open', 401, 'GET / HTTP/1.1\r\nHOST\r\nX-API-Key: wrong\r\n\r\n', NO_STORE],
  ['a static file', 200, 'GET /app.css HTTP/1.1\r\nHOST\r\n\r\n', { 'cache-control': 'max-age=0' }],
  [
    'one with a version',
    200,
    'GET /app.css?v=1 HTTP/1.1\r\nHOST\r\n\r\n',
    { 'cache-control': 'max-age=31536000,immutable' },
  ],
  [
    'one that has not changed',
    304,
    'GET /app.css HTTP/1.1\r\nHOST\r\nIf-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n\r\n',
  ],
  ['a call without a key', 401, 'GET /api/nodes HTTP/1.1\r\nHOST\r\n\r\n', { 'www-authenticate': 'Bearer' }],
  ['an unknown call', 404, `GET /api/none HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`, NO_STORE],
  [
    'a method that is not taken',
    405,
    `PUT /api/nodes HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`,
    { allow: 'GET, HEAD, POST' },
  ],
  ['a query that does not fit', 422, `GET /api/sessions?page=0 HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`, NO_STORE],
  ['no JSON', 400, `POST ${SNAPSHOT} HTTP/1.1\r\nHOST\r\n${key}\r\nContent-Length: 1\r\n\r\n{`, NO_STORE],
  [
    'a body too large',
    413,
    `POST ${SNAPSHOT} HTTP/1.1\r\nHOST\r\n${key}\r\nContent-Length: 99999999\r\n\r\n`,
    NO_STORE,
  ],
  ['a compressed body', 415, `POST ${SNAPSHOT} HTTP/1.1\r\nHOST\r\n${key}\r\nContent-Encoding: gzip\r\n\r\n`, NO_STORE],
  ['a form without its token', 403, 'POST /logout HTTP/1.1\r\nHOST\r\n\r\n', NO_STORE],
  ['one encoding and no other', 200, 'GET /login HTTP/1.1\r\nHOST\r\nAccept-Encoding: gzip, *;q=0\r\n\r\n'],
  ['no encoding that is taken', 200, 'GET /login HTTP/1.1\r\nHOST\r\nAccept-Encoding: *;q=0\r\n\r\n'],
  ['a path that is no text', 404, `GET /api/nodes/%ff%c0 HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`],
  ['a path that is no path', 404, `GET //x/..%2f%00 HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`],
  ['an expectation', 417, 'GET /health HTTP/1.1\r\nHOST\r\nExpect: wonders\r\n\r\n', NO_STORE],
  ['no host', 400, 'GET /health HTTP/1.1\r\n\r\n', NO_STORE],
  ['an old version of HTTP', 200, 'GET /health HTTP/1.0\r\n\r\n', NO_STORE],
  ['no HTTP', 400, 'nonsense\r\n\r\n', NO_STORE],
  ['a header too long', 431, `GET / HTTP/1.1\r\nHOST\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`, NO_STORE],
  ['a path with a zero', 400, 'GET /api/no\0des HTTP/1.1\r\nHOST\r\n\r\n', NO_STORE],
  [
    'two lengths',
    400,
    'POST /health HTTP/1.1\r\nHOST\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n',
    NO_STORE,
  ],
];

interface RawAnswer {
  status: number;
  headers: Map<string, string>;
}

function ask(url: string, request: string): Promise<RawAnswer> {
  const { hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const text = request.replace('HOST', `Host: ${host}\r\nConnection: close`);
    const socket = connect(Number(port), hostname, () => socket.write(text, 'latin1'));
    let answer = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      answer += part;
      // What came is enough; a server that drains a body would wait for the rest of it.
      if (answer.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('close', () => resolve(parsed(answer))).on('error', reject);
  });
}

function parsed(answer: string): RawAnswer {
  const [first = '', ...lines] = (answer.split('\r\n\r\n')[0] ?? '').split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const [name = '', value = ''] = line.split(/: (.*)/s);
    return [name.toLowerCase(), value];
  });
  return { status: Number(first.split(' ')[1]), headers: new Map(headers) };
}

forEachDatabase((name, open) => {
  describe(`the headers of every answer on ${name}`, () => {
    let db: Database;
    let lab: Lab;

    before(async () => {
      db = await open();
      lab = await startLab(db, { server: { trustProxy: true } });
    });
    after(async () => {
      await lab.close();
      await db.close();
    });

    for (const [what, status, request, more = {}] of TABLE) {
      it(`keep browsers to our policy on ${what}`, async () => {
        const answer = await ask(lab.url, request);
        expect(answer.status).to.equal(status);
        for (const [header, value] of [...EVERYWHERE, ...Object.entries(more)])
          expect(answer.headers.get(header), header).to.equal(value);
        for (const header of NOWHERE) expect(answer.headers.has(header), header).to.equal(false);
        expect(answer.headers.has('strict-transport-security')).to.equal(false);
      });
    }

    // Of a request that cannot be read nobody knows what the proxy said.
    const isRead = ([, status, request]: Named): boolean =>
      /^\w+ \S+ HTTP\/1\.1\r\nHOST/.test(request) &&
      ![417, 431].includes(status) &&
      !/\0|Transfer-Encoding/.test(request);
    for (const [what, status, request] of TABLE.filter(isRead)) {
      it(`ask browsers to stay with TLS on ${what}, where a proxy speaks it`, async () => {
        const answer = await ask(lab.url, request.replace('HOST', 'HOST\r\nX-Forwarded-Proto: https'));
        expect(answer.status).to.equal(status);
        expect(answer.headers.get('strict-transport-security')).to.equal('max-age=31536000');
      });
    }

    it('name the encoding that was asked for, and none where none is taken', async () => {
      const encodingFor = async (accepted: string): Promise<string | undefined> => {
        const answer = await ask(lab.url, `GET /login HTTP/1.1\r\nHOST\r\nAccept-Encoding: ${accepted}\r\n\r\n`);
        return answer.headers.get('content-encoding');
      };
      for (const accepted of ['gzip', 'gzip, *;q=0', 'identity;q=0, gzip;q=0.5'])
        expect(await encodingFor(accepted), accepted).to.equal('gzip');
      for (const accepted of ['*;q=0', 'identity;q=0', 'x, identity; q=0.0', 'gzip;q=0'])
        expect(await encodingFor(accepted), accepted).to.equal(undefined);
    });

    it('are those of an error of ours too', async () => {
      const broken = await open();
      const other = await startLab(broken);
      await broken.writer.destroy();
      await broken.reader.destroy();
      const answer = await ask(other.url, `GET /api/nodes HTTP/1.1\r\nHOST\r\n${key}\r\n\r\n`);
      await other.close();
      expect(answer.status).to.equal(500);
      for (const [header, value] of EVERYWHERE) expect(answer.headers.get(header), header).to.equal(value);
    });
  });
});
