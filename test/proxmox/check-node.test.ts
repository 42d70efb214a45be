import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import type { NodeConfig, PollingConfig } from '../../src/config/config.js';
import { silentLog } from '../../src/log.js';
import { checkNode, type NodeCheck } from '../../src/proxmox/check-node.js';
import { ProxmoxError } from '../../src/proxmox/errors.js';
import { fetchFingerprint } from '../../src/proxmox/fingerprint.js';
import {
  byPath,
  failing,
  ok,
  sharedLeaf,
  startNodeServer,
  startPlainServer,
  type Handler,
  type NodeServer,
} from './node-server.js';

const ALL = { 'VM.Audit': 1, 'Sys.Audit': 1, 'Pool.Audit': 1 };
const SOUND: Record<string, Handler> = {
  '/version': ok({ version: '9.2.3', release: '9.2', repoid: '0123abcd' }),
  '/nodes': ok([{ node: 'pve1', status: 'online' }]),
  '/cluster/status': ok([
    { type: 'cluster', id: 'cluster', name: 'lab', nodes: 1 },
    { type: 'node', id: 'node/pve1', name: 'pve1', ip: '127.0.0.1', local: 1, online: 1 },
  ]),
  '/access/permissions': ok({ '/': ALL, '/nodes': ALL, '/vms': ALL, '/pool': ALL }),
  '/nodes/pve1/qemu': ok([{ vmid: 104, name: 'vGPU-1', status: 'running', uptime: 5 }]),
  '/nodes/pve1/lxc': ok([{ vmid: 105, name: 'ct', status: 'stopped' }]),
  '/nodes/pve1/tasks': ok([]),
  '/nodes/pve1/status': ok({ uptime: 86_400 }),
};
const POLLING: PollingConfig = {
  intervalSeconds: 30,
  timeoutSeconds: 5,
  trackQemu: true,
  trackLxc: true,
  backfill: true,
};

describe('The check of a node', () => {
  let server: NodeServer;
  let entry: NodeConfig;

  before(async () => {
    const leaf = await sharedLeaf();
    server = await startNodeServer(leaf);
    entry = {
      name: 'rack-1',
      host: '127.0.0.1',
      port: server.port,
      user: 'tracker@pve',
      tokenName: 'poll',
      tokenValue: 'secret-value',
      trust: { kind: 'fingerprint', sha256: leaf.sha256 },
      scope: 'cluster',
      journal: false,
      agentNames: [],
    };
  });
  beforeEach(() => server.answer(byPath(SOUND)));
  after(() => server.stop());

  const check = (changes: Partial<NodeConfig> = {}, polling: Partial<PollingConfig> = {}): Promise<NodeCheck> =>
    checkNode({ ...entry, ...changes }, { ...POLLING, ...polling }, { clock: systemClock, log: silentLog });

  async function sentence(changes: Partial<NodeConfig> = {}, polling: Partial<PollingConfig> = {}): Promise<string> {
    const result = await check(changes, polling);
    if (result.ok) throw new Error('the check passed');
    expect(result.name).to.equal('rack-1');
    expect(result.sentence).to.not.contain('secret-value');
    return result.sentence;
  }

  it('tells node, cluster, version, privileges and guests', async () => {
    expect(await check()).to.deep.equal({
      ok: true,
      name: 'rack-1',
      node: 'pve1',
      cluster: 'lab',
      version: '9.2.3',
      privileges: [
        { privilege: 'VM.Audit', path: '/', isGranted: true },
        { privilege: 'Sys.Audit', path: '/', isGranted: true },
      ],
      guests: [
        { vmid: 104, name: 'vGPU-1', type: 'qemu', status: 'running' },
        { vmid: 105, name: 'ct', type: 'lxc', status: 'stopped' },
      ],
      warnings: [],
    });
  });

  it('lists the tracked types only', async () => {
    const result = await check({}, { trackQemu: false });
    expect(result.ok && result.guests.map((guest) => guest.vmid)).to.deep.equal([105]);
  });

  it('tells a wrong token', async () => {
    server.answer(failing(401, 'authentication failure'));
    expect(await sentence())
      .to.contain('401')
      .and.to.contain('token_value');
  });

  it('tells a wrong fingerprint with both and the command', async () => {
    const text = await sentence({ trust: { kind: 'fingerprint', sha256: 'CD'.repeat(32) } });
    expect(text)
      .to.contain('CD:CD')
      .and.to.contain((await sharedLeaf()).sha256);
    expect(text).to.contain(`proxmox-tracker fingerprint 127.0.0.1:${server.port}`);
  });

  it('tells missing VM.Audit with path and command', async () => {
    const sysOnly = { 'Sys.Audit': 1, 'Pool.Audit': 1 };
    server.answer(
      byPath({ ...SOUND, '/access/permissions': ok({ '/': sysOnly, '/nodes': sysOnly, '/vms': sysOnly }) }),
    );
    const text = await sentence();
    expect(text).to.contain('lacks VM.Audit on /:');
    expect(text).to.contain("pveum acl modify / --tokens 'tracker@pve!poll' --roles PVEAuditor");
    expect(text).to.contain('pveum acl modify / --users tracker@pve --roles PVEAuditor');
  });

  it('tells missing Sys.Audit, which already forbids discovery, and VM.Audit beside it', async () => {
    const forbidden = failing(403, 'Permission check failed (/, Sys.Audit)');
    server.answer(
      byPath({
        ...SOUND,
        '/cluster/status': forbidden,
        '/nodes': ok([{ node: 'a' }, { node: 'b' }]),
        '/access/permissions': ok({}),
      }),
    );
    expect(await sentence()).to.contain('VM.Audit on / and Sys.Audit on /');
  });

  it('takes Sys.Audit on one node for enough with scope node, and not for a cluster', async () => {
    server.answer(
      byPath({
        ...SOUND,
        '/cluster/status': failing(403, 'Permission check failed (/, Sys.Audit)'),
        '/nodes': ok([{ node: 'pve1', uptime: 9 }, { node: 'pve2' }]),
        '/access/permissions': ok({ '/nodes/pve1': { 'Sys.Audit': 1 }, '/vms': { 'VM.Audit': 1 } }),
      }),
    );
    const result = await check({ scope: 'node' });
    expect(result.ok && result.privileges.map((one) => one.path)).to.deep.equal(['/vms', '/nodes/pve1']);
    expect(result.ok && result.warnings.join()).to.contain('Pool.Audit');
    expect(await sentence()).to.contain('Sys.Audit on /:');
  });

  it('warns of hidden guests, of a clock that is off and of an unverified certificate', async () => {
    const headers = { date: new Date(systemClock.now() + 60_000).toUTCString() };
    server.answer(
      byPath({
        ...SOUND,
        '/access/permissions': ok({ '/': ALL, '/nodes': ALL, '/vms': ALL, '/vms/106': { 'VM.Console': 1 } }),
        '/nodes/pve1/qemu': ok([], headers),
        '/nodes/pve1/lxc': ok([], headers),
        '/nodes/pve1/tasks': ok([], headers),
        '/nodes/pve1/status': ok({ uptime: 1 }, headers),
      }),
    );
    const result = await check({ trust: { kind: 'unverified' } });
    const text = result.ok ? result.warnings.join('\n') : '';
    expect(text).to.contain('/vms/106').and.to.contain('ahead of').and.to.contain('NOT verified');
  });

  it('warns where the entry asks for the journal and the token may not read it', async () => {
    const time = ok({ time: 1_700_000_000, localtime: 1_700_003_600, timezone: 'Europe/Berlin' });
    const journal = (handler: Handler): Record<string, Handler> => ({
      ...SOUND,
      '/nodes/pve1/time': time,
      '/nodes/pve1/journal': handler,
    });
    server.answer(byPath(journal(ok(['Nov 24 10:00:00 pve1 systemd[1]: 104.scope: Deactivated successfully.']))));
    expect(await check({ journal: true }))
      .to.include({ ok: true })
      .and.have.property('warnings').that.is.empty;
    server.answer(byPath(journal(failing(403, 'Permission check failed (/nodes/pve1, Sys.Syslog)'))));
    const refused = await check({ journal: true });
    expect(refused.ok && refused.warnings.join())
      .to.contain('journal is true')
      .and.to.contain('Sys.Syslog on /');
    expect(await check())
      .to.include({ ok: true })
      .and.have.property('warnings').that.is.empty;
  });

  it('tells a list that fails', async () => {
    server.answer(byPath({ ...SOUND, '/nodes/pve1/lxc': ok([{ vmid: 1 }]) }));
    expect(await sentence())
      .to.contain('/nodes/pve1/lxc')
      .and.to.contain('status');
  });

  it('tells a dead host, a wrong port, a time-out and an unknown name apart', async () => {
    const gone = await startPlainServer(() => {});
    await gone.stop();
    const mail = await startPlainServer((socket) => socket.write('220 mail ESMTP\r\n'));
    server.answer(() => {});
    const sentences = [
      await sentence({ port: gone.port }),
      await sentence({ port: mail.port }),
      await sentence({}, { timeoutSeconds: 0.2 }),
      await sentence({ host: 'no-such-host.invalid' }),
    ];
    await mail.stop();
    expect(sentences[0]).to.contain('refused the connection');
    expect(sentences[1]).to.contain('does not speak TLS');
    expect(sentences[2]).to.contain('did not answer in time');
    expect(sentences[3]).to.contain('DNS');
  });
});

describe('The fingerprint of a server', () => {
  it('is shown with its names and end, and nothing is sent', async () => {
    const leaf = await sharedLeaf();
    const server = await startNodeServer(leaf);
    const shown = await fetchFingerprint('127.0.0.1', server.port, 5_000);
    expect(shown).to.deep.equal({
      sha256: leaf.sha256,
      subject: 'CN=pve1',
      issuer: 'CN=Proxmox Virtual Environment',
      validTo: '2095-01-01T00:00:00.000Z',
      names: ['pve1', '127.0.0.1'],
    });
    expect(server.plainByteCount()).to.equal(0);
    await server.stop();
  });

  it('fails with a sentence for a port without TLS, a silent one and a closed one', async () => {
    const mail = await startPlainServer((socket) => socket.write('220 mail ESMTP\r\n'));
    const silent = await startPlainServer(() => {});
    const kindOf = (port: number): Promise<string> =>
      fetchFingerprint('127.0.0.1', port, 200).then(
        () => 'shown',
        (error: unknown) => (error instanceof ProxmoxError ? error.kind : 'odd'),
      );
    expect(await kindOf(mail.port)).to.equal('tls');
    expect(await kindOf(silent.port)).to.equal('timeout');
    await mail.stop();
    await silent.stop();
    expect(await kindOf(mail.port)).to.equal('unreachable');
  });
});
