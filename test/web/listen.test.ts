import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get as getPlainly, type RequestListener } from 'node:http';
import { get } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect } from 'chai';
import { newAuthority, newLeaf } from '../../src/simulator/certificates.js';
import { silentLog } from '../../src/log.js';
import { PATIENCE } from '../../src/web/bounds.js';
import { listen as listenWith, type Listener } from '../../src/web/listen.js';
import { configWith } from './api/lab.js';

const listen = (config: Parameters<typeof listenWith>[0], answer: RequestListener): Promise<Listener> =>
  listenWith(config, answer, silentLog);
const hello: RequestListener = (_request, response) => void response.end('hello');

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('the listener', () => {
  let folder: string;
  let ca: string;
  let tls: { cert: string; key: string };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-listen-'));
    tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    const authority = await newAuthority('test', Date.now());
    const leaf = await newLeaf(authority, 'manager', 1, Date.now());
    ca = authority.pem;
    writeFileSync(tls.cert, leaf.pem);
    writeFileSync(tls.key, leaf.keyPem);
  });
  after(() => rmSync(folder, { recursive: true }));

  const serverWith = (more: Record<string, unknown>) => configWith({ server: more }).server;

  it('answers on a free port and tells its address', async () => {
    const listener = await listen(serverWith({}), hello);
    expect(listener.url).to.equal(`http://127.0.0.1:${listener.port}`);
    expect(await (await fetch(listener.url)).text()).to.equal('hello');
    await listener.close();
    const refused = await fetch(listener.url).then(
      () => 'answered',
      () => 'refused',
    );
    expect(refused).to.equal('refused');
  });

  it('tells the public address where there is one, and a reachable one for all addresses', async () => {
    const named = await listen(serverWith({ publicUrl: 'https://tracker.example' }), hello);
    expect(named.url).to.equal('https://tracker.example');
    await named.close();
  });

  it('names the port that another program has', async () => {
    const first = await listen(serverWith({}), hello);
    const fault = await listen(serverWith({ port: first.port }), hello).catch((error: unknown) => String(error));
    expect(fault).to.equal(
      `Error: cannot listen on 127.0.0.1:${first.port}: another program has that port; choose another one`,
    );
    await first.close();
  });

  it('speaks TLS where it has a certificate, and leads plain HTTP there', async () => {
    const redirectHttpPort = await freePort();
    const listener = await listen(serverWith({ tls, redirectHttpPort }), hello);
    expect(listener.url).to.equal(`https://127.0.0.1:${listener.port}`);
    const status = await new Promise((resolve, reject) => {
      get(listener.url, { ca, agent: false }, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
    });
    expect(status).to.equal(200);
    for (const [path, target] of [
      ['/guests?page=2', '/guests?page=2'],
      ['//evil.example/x', '/'],
      ['/', '/'],
    ] as const) {
      const answer = await fetch(`http://127.0.0.1:${redirectHttpPort}${path}`, { redirect: 'manual' });
      expect([answer.status, answer.headers.get('location')], path).to.deep.equal([308, `${listener.url}${target}`]);
      expect(answer.headers.get('content-security-policy')).to.include("default-src 'none'");
    }
    await listener.close();
  });

  it('leads plain HTTP to the public address, and without one to the host that the visitor named, never to another', async () => {
    const redirectHttpPort = await freePort();
    const told = (host: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const options = {
          port: redirectHttpPort,
          host: '127.0.0.1',
          path: '/guests',
          headers: { Host: host },
          agent: false,
        };
        const asked = getPlainly(options, (answer) => {
          resolve(`${answer.resume().statusCode} ${answer.headers.location ?? ''}`);
        });
        asked.on('error', reject);
      });
    const withPublicUrl = async (publicUrl: string | null, hosts: string[]): Promise<string[]> => {
      const listener = await listen(serverWith({ tls, redirectHttpPort, publicUrl }), hello);
      const answers: string[] = [];
      for (const host of hosts) answers.push((await told(host)).replace(String(listener.port), 'PORT'));
      await listener.close();
      return answers;
    };
    expect(await withPublicUrl('https://tracker.example/', ['evil.example'])).to.deep.equal([
      '308 https://tracker.example/guests',
    ]);
    // An address without TLS would lead back here, for ever.
    for (const publicUrl of [null, 'http://tracker.example']) {
      const hosts = ['pve.lab:80', '[fd00::1]:80', 'pve.lab@evil.example', '/evil.example'];
      expect(await withPublicUrl(publicUrl, hosts)).to.deep.equal([
        '308 https://pve.lab:PORT/guests',
        '308 https://[fd00::1]:PORT/guests',
        '400 ',
        '400 ',
      ]);
    }
  });

  it('frees the first port where the second is taken', async () => {
    const [port, taken] = [await freePort(), createServer()];
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const redirectHttpPort = (taken.address() as AddressInfo).port;
    const fault = await listen(serverWith({ port, tls, redirectHttpPort }), hello).catch((error: unknown) =>
      String(error),
    );
    expect(fault).to.match(/another program has that port/);
    const again = await listen(serverWith({ port }), hello);
    await again.close();
    await new Promise((resolve) => taken.close(resolve));
  });

  const slow: [what: string, sent: string][] = [
    ['a header', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow:'],
    ['a body', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow'],
  ];
  for (const [what, sent] of slow) {
    it(`cuts whoever does not come to the end of ${what}, also behind TLS, and tells why`, async () => {
      const patience = { ...PATIENCE, headersMs: 60, requestMs: 120, checkMs: 20 };
      for (const more of [{}, { tls }]) {
        // Answers once the body is there, which it never is.
        const answer: RequestListener = (request, response) => void request.resume().on('end', () => response.end());
        const listener = await listenWith(serverWith(more), answer, silentLog, patience);
        const isTls = 'tls' in more;
        const options = { port: listener.port, host: '127.0.0.1' };
        const socket = isTls ? connectTls({ ...options, ca, checkServerIdentity: () => undefined }) : connect(options);
        socket.write(sent);
        const text = (await socket.setEncoding('latin1').toArray()).join('');
        expect(text).to.match(/^HTTP\/1\.1 408 Request Timeout\r\n/);
        expect(text).to.include('{"detail":"The request took too long."}').and.include("default-src 'none'");
        expect(text.includes('Strict-Transport-Security: max-age=31536000'), String(isTls)).to.equal(isTls);
        await listener.close();
      }
    });
  }

  it('cuts whoever does not shake hands over TLS, and whoever speaks something else there', async () => {
    const listener = await listenWith(serverWith({ tls }), hello, silentLog, { ...PATIENCE, handshakeMs: 60 });
    for (const sent of ['', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n']) {
      const socket = connect({ port: listener.port, host: '127.0.0.1' });
      socket.on('error', () => undefined);
      if (sent !== '') socket.write(sent);
      await new Promise((resolve) => socket.resume().once('close', resolve));
    }
    await listener.close();
  });

  it('closes beside connections over TLS that say nothing, before the handshake and after it', async () => {
    const listener = await listenWith(serverWith({ tls }), hello, silentLog, { ...PATIENCE, closeMs: 60 });
    const options = { port: listener.port, host: '127.0.0.1' };
    const silent = connect(options);
    const shaken = connectTls({ ...options, ca, checkServerIdentity: () => undefined });
    const ended = [silent, shaken].map((socket) => {
      socket.on('error', () => undefined).resume();
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await new Promise((resolve) => shaken.once('secureConnect', resolve));
    await listener.close();
    await Promise.all(ended);
  });

  it('lets a request that is underway finish before it closes', async () => {
    let finish = (): void => {};
    const begun = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let answer = (): void => {};
    const listener = await listen(serverWith({}), (_request, response) => {
      answer = () => void response.end('late');
      finish();
    });
    const asked = fetch(listener.url).then((response) => response.text());
    await begun;
    const closing = listener.close();
    answer();
    expect(await asked).to.equal('late');
    await closing;
  });
});
