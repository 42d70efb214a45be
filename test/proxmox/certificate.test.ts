import { expect } from 'chai';
import { X509Certificate } from 'node:crypto';
import { systemClock } from '../../src/clock.js';
import type { NodeTrust } from '../../src/config/config.js';
import { createClient, type ClientParts, type ProxmoxApi } from '../../src/proxmox/client.js';
import { ProxmoxError } from '../../src/proxmox/errors.js';
import { expiryWarning } from '../../src/proxmox/trust.js';
import { createAuthority, type Authority, type Issued } from './certificates.js';
import {
  keptLog,
  ok,
  sharedAuthority,
  sharedLeaf,
  standingClock,
  startNodeServer,
  type NodeServer,
} from './node-server.js';

describe('The certificate check', () => {
  let server: NodeServer;
  let ca: Authority;
  let leaf: Issued;
  let log = keptLog();
  const open: ProxmoxApi[] = [];

  before(async () => {
    ca = await sharedAuthority();
    leaf = await sharedLeaf();
    server = await startNodeServer(leaf, ok([]));
  });
  beforeEach(() => {
    log = keptLog();
    server.present(leaf);
    server.answer(ok([]));
  });
  afterEach(() => open.splice(0).forEach((client) => client.close()));
  after(() => server.stop());

  function client(
    trust: NodeTrust,
    more: { expectedNode?: string; trusted?: () => ReadonlySet<string>; clock?: ClientParts['clock'] } = {},
  ): ProxmoxApi {
    const parts: ClientParts = { clock: more.clock ?? systemClock, log };
    if (more.trusted) parts.trustedFingerprints = more.trusted;
    const api = createClient(
      {
        host: '127.0.0.1',
        port: server.port,
        user: 'tracker@pve',
        tokenName: 'poll',
        tokenValue: 'secret',
        trust,
        expectedNode: more.expectedNode ?? null,
        timeoutMs: 5_000,
      },
      parts,
    );
    open.push(api);
    return api;
  }

  async function refusal(api: ProxmoxApi): Promise<string> {
    const bytes = server.plainByteCount();
    const requests = server.requests.length;
    try {
      await api.get('/version');
    } catch (error) {
      expect(error).to.be.instanceOf(ProxmoxError);
      expect((error as ProxmoxError).kind).to.equal('tls');
      expect(server.plainByteCount(), 'bytes that the server could read').to.equal(bytes);
      expect(server.requests.length).to.equal(requests);
      return (error as ProxmoxError).message;
    }
    throw new Error('the certificate was accepted');
  }

  const caFile = (pem: string): NodeTrust => ({ kind: 'ca_file', file: '/etc/tracker/ca.pem', pem });

  it('sends not one byte to a server whose leaf is not the pinned one, however often it is asked', async () => {
    const wrong = 'AB'.repeat(32);
    const api = client({ kind: 'fingerprint', sha256: wrong });
    for (let round = 0; round < 20; round += 1) await refusal(api);
    const message = await refusal(api);
    expect(message).to.contain('AB:AB:AB').and.to.contain(leaf.sha256);
    expect(message).to.contain(`proxmox-tracker fingerprint 127.0.0.1:${server.port}`);
  });

  it('accepts the pinned leaf on every new connection, however the pin is written', async () => {
    for (const sha256 of [leaf.sha256, leaf.sha256.toLowerCase(), leaf.sha256.replaceAll(':', '')]) {
      const clock = standingClock();
      const api = client({ kind: 'fingerprint', sha256 }, { clock });
      for (let round = 0; round < 4; round += 1) {
        await api.get('/version');
        clock.advance(30_000);
      }
      expect(api.handshakeCount).to.equal(4);
    }
  });

  it('accepts a renewed leaf only once a trusted member names it', async () => {
    const trusted = new Set<string>();
    const api = client({ kind: 'fingerprint', sha256: leaf.sha256 }, { trusted: () => trusted });
    await api.get('/version');
    const renewed = await ca.issue({ commonName: 'pve1', dns: ['pve1'], ip: ['127.0.0.1'] });
    server.present(renewed);
    server.cut();
    await refusal(api);
    trusted.add(renewed.sha256);
    await api.get('/version');
  });

  it('accepts a leaf of the pinned CA for the host, or for the expected node, and no other name', async () => {
    await client(caFile(ca.cert)).get('/version');
    server.present(await ca.issue({ commonName: 'pve2', dns: ['pve2'], ip: ['10.0.0.12'] }));
    await client(caFile(ca.cert), { expectedNode: 'pve2' }).get('/version');
    expect(await refusal(client(caFile(ca.cert), { expectedNode: 'pve1' }))).to.contain('pve2, 10.0.0.12');
    expect(await refusal(client(caFile(ca.cert)))).to.contain('not for 127.0.0.1');
  });

  it('refuses a leaf of another CA, although the names are the same', async () => {
    const other = await createAuthority();
    expect(await refusal(client(caFile(other.cert)))).to.contain('/etc/tracker/ca.pem');
  });

  it('accepts a leaf of another CA that a trusted member names (a custom certificate of one member)', async () => {
    const other = await createAuthority('ACME');
    const custom = await other.issue({ commonName: 'pve1.example.org', dns: ['pve1.example.org'] });
    server.present(custom);
    await client(caFile(ca.cert), { trusted: () => new Set([custom.sha256]) }).get('/version');
  });

  it('refuses an expired leaf of the pinned CA and says how to renew it', async () => {
    const expired = await ca.issue({ commonName: 'pve1', ip: ['127.0.0.1'], validTo: Date.UTC(2020, 0, 1) });
    server.present(expired);
    expect(await refusal(client(caFile(ca.cert))))
      .to.contain('EXPIRED')
      .and.to.contain('pvecm updatecerts');
  });

  it('refuses a private CA where a public one is expected', async () => {
    expect(await refusal(client({ kind: 'public_ca' }))).to.contain('public CA');
  });

  it('takes any certificate unverified, and says so loudly once', async () => {
    const api = client({ kind: 'unverified' });
    await api.get('/version');
    await api.get('/version');
    expect(log.lines.filter((line) => line.includes('NOT verified'))).to.have.length(1);
    expect(log.lines[0]).to.match(/^warn /);
  });

  it('warns once a day from 30 days before the certificate ends', async () => {
    const clock = standingClock();
    server.present(
      await ca.issue({ commonName: 'pve1', ip: ['127.0.0.1'], validTo: clock.now() + 29 * 24 * 3_600_000 }),
    );
    const api = client({ kind: 'unverified' }, { clock });
    log.lines.length = 0;
    for (let hour = 0; hour < 25; hour += 6) {
      await api.get('/version');
      clock.advance(6 * 3_600_000);
    }
    expect(log.lines.filter((line) => line.includes('expires on'))).to.have.length(2);
  });

  it('is silent 31 days before the end and says when it is past', () => {
    const certificate = new X509Certificate(leaf.cert);
    const end = Date.parse(certificate.validTo);
    expect(expiryWarning(certificate, 'pve1:8006', end - 31 * 24 * 3_600_000)).to.equal(null);
    expect(expiryWarning(certificate, 'pve1:8006', end + 1)).to.contain('expired on');
  });
});
