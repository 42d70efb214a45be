import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { silentLog, type Log } from '../../src/log.js';
import { newAuthority, newLeaf, type Authority, type Leaf } from '../../src/simulator/certificates.js';
import { listen, type Listener } from '../../src/web/listen.js';
import { configWith } from './api/lab.js';

/** The fingerprint of the certificate that a visitor is shown. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('a certificate that is renewed while it is served', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-renewal-'));
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  let lines: string[];
  const note = (message: string): void => void lines.push(message);
  const log: Log = { ...silentLog, info: note, warn: note };
  let authority: Authority;
  let [first, second]: Leaf[] = [];
  let listener: Listener;

  const write = (cert: string, key: string): void => {
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
  };

  before(async () => {
    authority = await newAuthority('test', Date.now());
    first = await newLeaf(authority, 'manager', 1, Date.now());
    second = await newLeaf(authority, 'manager', 2, Date.now());
  });
  beforeEach(async () => {
    lines = [];
    write(first?.pem ?? '', first?.keyPem ?? '');
    const { server } = configWith({ server: { tls: files } });
    listener = await listen(server, (_request, response) => void response.end('hello'), log);
  });
  afterEach(() => listener.close());
  after(() => rmSync(folder, { recursive: true }));

  it('is shown to the next visitor without a restart', async () => {
    expect(await shownBy(listener.port)).to.equal(first?.fingerprint);
    write(second?.pem ?? '', second?.keyPem ?? '');
    expect(await shownBy(listener.port)).to.equal(first?.fingerprint);
    listener.refreshCertificate();
    expect(await shownBy(listener.port)).to.equal(second?.fingerprint);
    listener.refreshCertificate();
    expect(lines).to.deep.equal(['the certificate was renewed']);
  });

  it('says nothing where the files were written anew with what they held', () => {
    write(first?.pem ?? '', first?.keyPem ?? '');
    listener.refreshCertificate();
    expect(lines).to.deep.equal([]);
  });

  const broken: [title: string, breakThem: () => void][] = [
    ['has the key of another', () => write(first?.pem ?? '', second?.keyPem ?? '')],
    ['is written halfway', () => write('', '')],
    ['has no key yet', () => write(second?.pem ?? '', '')],
    ['is no certificate', () => write('hello', second?.keyPem ?? '')],
    ['is gone', () => rmSync(files.cert)],
  ];
  for (const [title, breakThem] of broken) {
    it(`is not served while the new one ${title}, which the log hears once`, async () => {
      breakThem();
      for (let round = 0; round < 3; round++) listener.refreshCertificate();
      expect(await shownBy(listener.port)).to.equal(first?.fingerprint);
      expect(lines).to.deep.equal(['server.tls has changed and cannot be used: the former certificate is served on']);
      write(second?.pem ?? '', second?.keyPem ?? '');
      listener.refreshCertificate();
      expect(await shownBy(listener.port)).to.equal(second?.fingerprint);
      expect(lines.slice(1)).to.deep.equal(['the certificate was renewed']);
    });
  }
});
