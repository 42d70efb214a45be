import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkTls } from '../../src/config/check-tls.js';
import { ConfigError } from '../../src/config/config-error.js';
import { newAuthority, newLeaf, type Leaf } from '../../src/simulator/certificates.js';

describe('server.tls', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tracker-check-tls-'));
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  let leaf: Leaf;
  let other: Leaf;

  before(async () => {
    const authority = await newAuthority('test', Date.now());
    leaf = await newLeaf(authority, 'manager', 1, Date.now());
    other = await newLeaf(authority, 'manager', 2, Date.now());
  });
  after(() => rmSync(folder, { recursive: true }));

  it('may be absent, or a certificate with its key', () => {
    checkTls({ cert: null, key: null });
    writeFileSync(files.cert, leaf.pem);
    writeFileSync(files.key, leaf.keyPem);
    checkTls(files);
  });

  it('is refused at the start where certificate or key cannot be used, with the file and the mend', () => {
    const noCertificate = `server.tls.cert names ${files.cert}, which is no certificate in PEM: name the certificate with its chain`;
    const noKey = `server.tls.key names ${files.key}, which is not the key (PEM) of server.tls.cert: name the one it was made with`;
    for (const [cert, key, sentence] of [
      ['', leaf.keyPem, noCertificate],
      ['hello', leaf.keyPem, noCertificate],
      [leaf.pem, '', noKey],
      [leaf.pem, leaf.pem, noKey],
      [leaf.pem, other.keyPem, noKey],
    ] as const) {
      writeFileSync(files.cert, cert);
      writeFileSync(files.key, key);
      expect(() => checkTls(files)).to.throw(ConfigError, sentence);
    }
  });
});
