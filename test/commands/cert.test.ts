import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { expect } from 'chai';
import { checkTls } from '../../src/config/check-tls.js';
import { loadConfig } from '../../src/config/load.js';
import { silentLog } from '../../src/log.js';
import { listen } from '../../src/web/listen.js';
import { cli, tempFolder, type CliOutcome } from './running.js';

const dayMs = 86_400_000;

describe('the certificate by command', () => {
  const folder = tempFolder();
  const make = (...words: string[]): Promise<CliOutcome> => cli(['cert', '--config', folder.config, ...words]);
  const certificateIn = (path: string): X509Certificate => new X509Certificate(readFileSync(join(path, 'cert.pem')));

  it('makes a pair that the lines it prints let the manager serve, and that a visitor who trusts it accepts', async () => {
    const { code, out, err } = await make('--name', 'tracker.lan', '--name', '10.0.0.5', '--name', 'tracker.lan');
    expect([code, err]).to.deep.equal([0, '']);
    const lines = out.trimEnd().split('\n');
    folder.write(`server:\n  host: 127.0.0.1\n  port: 0\n  tls:\n${lines.slice(-2).join('\n')}\n`);
    const { server } = loadConfig(folder.config, {});
    expect(server.tls.cert).to.equal(join(folder.path, 'tls/cert.pem'));
    checkTls(server.tls);
    const ca = readFileSync(join(folder.path, 'tls/cert.pem'));
    const listener = await listen(server, (_request, response) => void response.end('hello'), silentLog);
    for (const servername of ['tracker.lan', 'localhost']) {
      const status = await new Promise((resolve, reject) => {
        const asked = get(listener.url, { ca, servername, agent: false }, (answer) => {
          resolve(answer.resume().statusCode);
        });
        asked.on('error', reject);
      });
      expect(status, servername).to.equal(200);
    }
    await listener.close();
    expect(lines).to.include(`SHA-256 ${certificateIn(join(folder.path, 'tls')).fingerprint256}`);
  });

  it('names what was asked for and this machine within, for two years, and signs no other', () => {
    const certificate = certificateIn(join(folder.path, 'tls'));
    expect(certificate.subjectAltName).to.equal(
      'DNS:tracker.lan, IP Address:10.0.0.5, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect([certificate.ca, certificate.verify(certificate.publicKey)]).to.deep.equal([false, true]);
    const days = (Date.parse(certificate.validTo) - Date.now()) / dayMs;
    expect(Math.round(days)).to.equal(730);
    expect(Date.parse(certificate.validFrom)).to.be.below(Date.now() - dayMs + 60_000);
  });

  it('keeps the key from other users, whatever file was there', async () => {
    const out = join(folder.path, 'open');
    mkdirSync(out);
    writeFileSync(join(out, 'key.pem'), 'old', { mode: 0o644 });
    expect((await make('--out', out, '--force')).code).to.equal(0);
    expect(statSync(join(out, 'key.pem')).mode & 0o777).to.equal(0o600);
    expect(readdirSync(out)).to.deep.equal(['cert.pem', 'key.pem']);
  });

  it('takes the place of no file unasked', async () => {
    const out = join(folder.path, 'taken');
    mkdirSync(out);
    writeFileSync(join(out, 'key.pem'), 'mine');
    expect(await make('--out', out)).to.deep.equal({
      code: 1,
      out: '',
      err: `${join(out, 'key.pem')} is there already: name another folder by --out, or replace it by --force\n`,
    });
    expect(readFileSync(join(out, 'key.pem'), 'utf8')).to.equal('mine');
    expect(readdirSync(out)).to.deep.equal(['key.pem']);
  });

  it('says why where it cannot write', async () => {
    const out = join(folder.path, 'a-file');
    writeFileSync(out, '');
    const { code, err } = await make('--out', out);
    expect(code).to.equal(1);
    expect(err).to.match(/a-file cannot be written: .*\n$/);
  });
});
