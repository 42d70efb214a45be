import { readdirSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createAuthority, type Authority, type CertificateNames, type Issued } from '../proxmox/certificates.js';
import { shells, type ScriptOutcome } from './shells.js';
import { stubNode, type StubNode } from './stub-node.js';

const enrolKey = 'enrol-0123456789-0123456789-0123456789';
const [anyShell = ['/bin/sh']] = shells;

interface Received {
  method: string;
  url: string;
  key: string;
  host: string;
  body: Record<string, unknown>;
}

/** A manager as far as POST /api/nodes goes, on a free port of the loopback. */
interface Manager {
  url: string;
  issued: Issued;
  received: Received[];
  /** What it answers: a status and a body. */
  answer: [status: number, body: string];
  server: https.Server;
}

async function startManager(issued: Issued): Promise<Manager> {
  const server = https.createServer({ cert: issued.cert, key: issued.key }, (request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const body = JSON.parse(text) as Record<string, unknown>;
      manager.received.push({ method, url, key: String(headers['x-api-key']), host: headers.host ?? '', body });
      const [status, answer] = manager.answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
    });
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const added = '{"success":true,"message":"Node added","node_id":7,"name":"pve-01"}';
  const manager: Manager = {
    url: `https://127.0.0.1:${port}`,
    issued,
    received: [],
    answer: [200, added],
    server,
  };
  return manager;
}

describe('relay.sh --register', function () {
  this.timeout(60_000);
  let authority: Authority;
  let node: StubNode;
  let manager: Manager;
  const byAddress: CertificateNames = { commonName: 'tracker', dns: ['tracker.example.org'], ip: ['127.0.0.1'] };

  const start = async (names: CertificateNames): Promise<void> => {
    manager = await startManager(await authority.issue(names));
  };
  const register = (...more: string[]): Promise<ScriptOutcome> => {
    writeFileSync(join(node.folder, 'key'), `${enrolKey}\n`);
    const key = ['--key-file', join(node.folder, 'key')];
    return node.relay(anyShell, ['--register', manager.url, ...key, '--fingerprint', manager.issued.sha256, ...more]);
  };
  const tokens = (): string[] => Object.values(node.state().tokens).map(({ value }) => value);

  before(async () => (authority = await createAuthority('A CA of the house')));
  beforeEach(async () => (node = await stubNode()));
  afterEach(() => {
    manager.server.closeAllConnections();
    manager.server.close();
    node.remove();
  });

  it('hands the entry over with the key in its header, and prints no secret', async () => {
    await start(byAddress);
    const { code, out, err } = await register('--journal');
    expect({ code, out }).to.deep.equal({ code: 0, out: '' });
    expect(err).to.equal(`relay.sh: registered at ${manager.url} as pve-01; it is polled within an interval\n`);
    const [token = ''] = tokens();
    const entry = { name: 'pve-01', host: '10.0.0.11', port: 8006, user: 'tracker@pve', token_name: 'tracker' };
    expect(manager.received).to.deep.equal([
      {
        method: 'POST',
        url: '/api/nodes',
        key: enrolKey,
        host: manager.url.slice('https://'.length),
        body: { ...entry, token_value: token, fingerprint: node.leaf.sha256, journal: true },
      },
    ]);
    expect(node.argumentLists()).to.match(/^curl /m);
    for (const secret of [token, enrolKey]) expect(node.argumentLists()).to.not.contain(secret);
    expect(readdirSync(join(node.folder, 'tmp'))).to.deep.equal([]);
  });

  const names: [what: string, names: CertificateNames, base: string][] = [
    ['bears another name', { commonName: 'tracker', dns: ['tracker.example.org'] }, ''],
    ['is for any name of a domain', { commonName: 'tracker', dns: ['*.example.org'] }, '/tracker/'],
    ['bears an address alone, which is another one', { commonName: 'a b', ip: ['10.9.9.9'] }, ''],
    ['bears a common name alone', { commonName: 'tracker.example.org' }, ''],
  ];
  for (const [what, given, base] of names) {
    it(`trusts the fingerprint where the manager's certificate ${what}`, async () => {
      await start(given);
      manager.url += base;
      const { code, err } = await register();
      expect(err).to.match(/registered at/);
      expect(code).to.equal(0);
      expect(manager.received.map(({ url }) => url)).to.deep.equal([`${base.replace(/\/$/, '')}/api/nodes`]);
    });
  }

  it('sends nothing to a manager with another certificate, and makes nothing', async () => {
    await start(byAddress);
    const other = await authority.issue(byAddress);
    const shown = manager.issued.sha256;
    manager.issued = other;
    const { code, out, err } = await register();
    expect({ code, out }).to.deep.equal({ code: 1, out: '' });
    expect(err).to.contain(`another certificate than --fingerprint says: ${shown}`);
    expect(manager.received).to.deep.equal([]);
    expect(node.calls()).to.deep.equal([]);
  });

  it('sends nothing when another server answers at the second connection, though its CA and names are the same', async () => {
    await start(byAddress);
    const impostor = await authority.issue(byAddress);
    manager.server.once('secureConnection', () => {
      manager.server.setSecureContext({ cert: impostor.cert, key: impostor.key });
    });
    const { code, out, err } = await register();
    expect({ code, out }).to.deep.equal({ code: 1, out: '' });
    expect(err)
      .to.match(/curl: \(\d+\)/)
      .and.match(/taken back/);
    expect(manager.received).to.deep.equal([]);
    expect(tokens()).to.deep.equal([]);
  });

  const refusals: [status: number, body: string, sentence: RegExp][] = [
    [401, '{"detail":"This key was used already"}', /does not know the enrol key.*\(This key was used already\)/],
    [403, '{"detail":"This key may only read"}', /may not enrol nodes.*--scope enrol/],
    [404, '<html>not here</html>', /takes no nodes this way \(404\)/],
    [409, '{"detail":"pve-01 is there already"}', /refused the entry \(pve-01 is there already\)/],
    [500, 'no JSON', /refused the entry \(500\)/],
  ];
  for (const [status, body, sentence] of refusals) {
    it(`takes the token back at ${status}, says why, and succeeds at the next run`, async () => {
      await start(byAddress);
      const taken = manager.answer;
      manager.answer = [status, body];
      const { code, out, err } = await register();
      expect({ code, out }).to.deep.equal({ code: 1, out: '' });
      expect(err)
        .to.match(sentence)
        .and.match(/taken back/);
      expect(tokens()).to.deep.equal([]);
      manager.answer = taken;
      expect((await register()).code).to.equal(0);
      expect(tokens()).to.have.length(1);
    });
  }

  it('follows no redirect with the token', async () => {
    await start(byAddress);
    manager.server.prependListener('request', (_, response) => response.setHeader('location', `${manager.url}/other`));
    manager.answer = [307, '{}'];
    const { code, err } = await register();
    expect(code).to.equal(1);
    expect(err).to.match(/refused the entry \(307\)/);
    expect(manager.received.map(({ url }) => url)).to.deep.equal(['/api/nodes']);
  });

  it('hands nothing over when the token is there already, and a new one with --rotate', async () => {
    await start(byAddress);
    await node.relay(anyShell, []);
    const [old] = tokens();
    const again = await register();
    expect(again.code).to.equal(0);
    expect(again.err).to.match(/Nothing was handed to the manager.*--rotate/);
    expect(manager.received).to.deep.equal([]);
    expect((await register('--rotate')).code).to.equal(0);
    expect(manager.received.map(({ body }) => body['token_value'])).to.deep.equal(tokens());
    expect(tokens()).to.not.deep.equal([old]);
  });

  it('says so when nobody answers, or the key file holds no key', async () => {
    await start(byAddress);
    const file = join(node.folder, 'empty');
    writeFileSync(file, '\n');
    const fingerprint = ['--fingerprint', manager.issued.sha256];
    const noKey = await node.relay(anyShell, ['--register', manager.url, '--key-file', file, ...fingerprint]);
    expect(noKey.code).to.equal(1);
    expect(noKey.err).to.match(/first line of .* is empty/);
    await new Promise((resolve) => manager.server.close(resolve));
    const { code, err } = await register();
    expect(code).to.equal(1);
    expect(err).to.match(/nothing answers with TLS/);
    expect(node.calls()).to.deep.equal([]);
  });
});
