import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { createClient, type ProxmoxApi } from '../../src/proxmox/client.js';
import { discoverCluster, fetchIdentity, probePermissions } from '../../src/proxmox/cluster.js';
import { grantsOf } from '../../src/proxmox/permissions.js';
import { byPath, failing, ok, sharedLeaf, startNodeServer, type Handler, type NodeServer } from './node-server.js';

const STATUS = [
  { type: 'cluster', id: 'cluster', name: 'lab', nodes: 2, quorate: 1, version: 4 },
  { type: 'node', id: 'node/pve1', name: 'pve1', ip: '10.0.0.11', local: 0, online: 1, nodeid: 1 },
  { type: 'node', id: 'node/pve2', name: 'pve2', ip: '10.0.0.12', local: '1', online: 0, nodeid: 2 },
];
const NODES = [
  { node: 'pve1', type: 'node', status: 'online', ssl_fingerprint: 'AA:BB' },
  { node: 'pve2', type: 'node', status: 'offline' },
];
const CERTIFICATES = [
  { filename: 'pve-root-ca.pem', fingerprint: 'AB:CD:EF' },
  { filename: 'pve-ssl.pem', fingerprint: '01:02' },
];
const CLUSTER: Record<string, Handler> = {
  '/cluster/status': ok(STATUS),
  '/nodes': ok(NODES),
  '/nodes/pve2/certificates/info': ok(CERTIFICATES),
};

describe('The cluster', () => {
  let server: NodeServer;
  let api: ProxmoxApi;

  before(async () => {
    const leaf = await sharedLeaf();
    server = await startNodeServer(leaf);
    const trust = { kind: 'fingerprint' as const, sha256: leaf.sha256 };
    const target = { host: '127.0.0.1', port: server.port, user: 'u@pve', tokenName: 't', tokenValue: 's' };
    api = createClient({ ...target, trust, timeoutMs: 5_000 }, { clock: systemClock, log: silentLog });
  });
  after(() => {
    api.close();
    return server.stop();
  });

  const discover = (answers: Record<string, Handler>) => {
    server.answer(byPath({ ...CLUSTER, ...answers }));
    return discoverCluster(api, systemClock);
  };

  it('is discovered with its name, its CA, its members and the one that answers', async () => {
    const found = await discover({});
    expect(found.kind === 'seen' && found.value).to.deep.equal({
      clusterName: 'lab',
      rootCaSha256: 'ABCDEF',
      members: [
        { node: 'pve1', ip: '10.0.0.11', isOnline: true, isLocal: false, sslFingerprint: 'AA:BB' },
        { node: 'pve2', ip: '10.0.0.12', isOnline: false, isLocal: true, sslFingerprint: null },
      ],
      localNode: 'pve2',
    });
  });

  it('has no name on a standalone node', async () => {
    const found = await discover({
      '/cluster/status': ok([{ type: 'node', id: 'node/pve2', name: 'pve2', local: 1, online: 1, nodeid: 0 }]),
    });
    expect(found.kind === 'seen' && found.value).to.include({ clusterName: null, localNode: 'pve2' });
  });

  it('is known without its CA where that is not told, but not where the server fails', async () => {
    for (const refusal of [failing(403, 'no'), failing(501, 'not implemented'), ok('odd'), ok([])]) {
      const found = await discover({ '/nodes/pve2/certificates/info': refusal });
      expect(found.kind === 'seen' && found.value.rootCaSha256).to.equal(null);
    }
    const failed = await discover({ '/nodes/pve2/certificates/info': failing(596, 'Connection timed out') });
    expect(failed).to.include({ kind: 'not_seen', reason: 'unreachable' });
  });

  it('is the one node on which the token has Sys.Audit, when it has it there only', async () => {
    const forbidden = failing(403, 'Permission check failed (/, Sys.Audit)');
    const found = await discover({
      '/cluster/status': forbidden,
      '/nodes': ok([{ ...NODES[0] }, { ...NODES[1], uptime: 100 }]),
    });
    expect(found.kind === 'seen' && found.value.members.map((one) => one.node)).to.deep.equal(['pve2']);
    const unknown = await discover({ '/cluster/status': forbidden });
    expect(unknown).to.include({ kind: 'not_seen', reason: 'permission_lost' });
    expect(unknown.kind === 'not_seen' && unknown.detail).to.contain('(/, Sys.Audit)');
  });

  it('is not seen when no node is marked as local', async () => {
    const found = await discover({ '/cluster/status': ok(STATUS.slice(0, 2)) });
    expect(found).to.include({ kind: 'not_seen', reason: 'bad_answer' });
  });

  it('tells what the token lacks', async () => {
    server.answer(
      byPath({ '/access/permissions': ok({ '/': { 'Sys.Audit': 1 }, '/vms': {}, '/nodes': { 'Sys.Audit': 1 } }) }),
    );
    const probe = await probePermissions(api, 'pve1', systemClock);
    expect(probe.kind === 'seen' && probe.value.missing).to.deep.include({ privilege: 'VM.Audit', path: '/' });
    server.answer(failing(500, 'oops'));
    expect(await probePermissions(api, 'pve1', systemClock)).to.include({ kind: 'not_seen' });
  });

  it('tells a VM by uuid and ctime, a container by hwaddr and rootfs', async () => {
    server.answer(
      byPath({
        '/nodes/pve1/qemu/104/config': ok({
          smbios1: 'uuid=0F0E0D0C-0000-4000-8000-000000000001,manufacturer=QUJD,base64=1',
          meta: 'creation-qemu=9.0.2,ctime=1700000000',
          net0: 'virtio=BC:24:11:00:00:01,bridge=vmbr0',
        }),
        '/nodes/pve1/lxc/105/config': ok({
          net0: 'name=eth0,bridge=vmbr0,hwaddr=bc:24:11:00:00:02,ip=dhcp',
          rootfs: 'local-lvm:vm-105-disk-0,size=8G',
        }),
        '/nodes/pve1/qemu/106/config': ok({}),
      }),
    );
    const vm = await fetchIdentity(api, 'pve1', 'qemu', 104, systemClock);
    expect(vm.kind === 'seen' && vm.value).to.deep.equal({
      type: 'qemu',
      vmid: 104,
      uuid: '0f0e0d0c-0000-4000-8000-000000000001',
      createdTimeS: 1_700_000_000,
      hwaddr: null,
      rootfs: null,
    });
    const container = await fetchIdentity(api, 'pve1', 'lxc', 105, systemClock);
    expect(container.kind === 'seen' && container.value).to.deep.equal({
      type: 'lxc',
      vmid: 105,
      uuid: null,
      createdTimeS: null,
      hwaddr: 'BC:24:11:00:00:02',
      rootfs: 'local-lvm:vm-105-disk-0',
    });
    const old = await fetchIdentity(api, 'pve1', 'qemu', 106, systemClock);
    expect(old.kind === 'seen' && old.value).to.include({ uuid: null, createdTimeS: null });
    expect(server.requests.at(-1)).to.equal('/api2/json/nodes/pve1/qemu/106/config?current=1');
  });

  it('takes a guest for gone only where its config does not exist', async () => {
    server.answer(failing(500, "Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist"));
    expect(await fetchIdentity(api, 'pve1', 'qemu', 104, systemClock)).to.deep.equal({ kind: 'gone' });
    for (const handler of [
      failing(500, "no such cluster node 'pve9'"),
      failing(500, "storage 'x' does not exist"),
      failing(403, 'Permission check failed (/vms/104, VM.Audit)'),
      failing(595, 'No route to host'),
    ]) {
      server.answer(handler);
      expect(await fetchIdentity(api, 'pve1', 'qemu', 104, systemClock)).to.include({ kind: 'not_seen' });
    }
  });
});

describe('The grants of a token', () => {
  const ALL = { 'VM.Audit': 1, 'Sys.Audit': 1, 'Pool.Audit': 1 };
  const tops = { '/access': ALL, '/nodes': ALL, '/pool': ALL, '/sdn': ALL, '/storage': ALL, '/vms': ALL };
  const cases: [string, Record<string, Record<string, number | string>>, string[]][] = [
    ['everything on /', { '/': ALL, ...tops }, ['+VM.Audit /', '+Sys.Audit /', '+Pool.Audit /']],
    ['nothing', {}, ['-VM.Audit /', '-Sys.Audit /', '-Pool.Audit /']],
    ['only / listed', { '/': { ...ALL, 'Sys.Audit': '1' } }, ['+VM.Audit /', '+Sys.Audit /', '+Pool.Audit /']],
    [
      'one node and its guests',
      { '/nodes/pve1': { 'Sys.Audit': 0 }, '/vms': { 'VM.Audit': 1 } },
      ['+VM.Audit /vms', '+Sys.Audit /nodes/pve1', '-Pool.Audit /'],
    ],
    [
      'another node',
      { '/nodes/pve2': { 'Sys.Audit': 1 }, '/vms': { 'VM.Audit': 1 } },
      ['+VM.Audit /vms', '-Sys.Audit /', '-Pool.Audit /'],
    ],
    [
      '/ without handing down',
      { '/': { 'VM.Audit': 0, 'Sys.Audit': 0, 'Pool.Audit': 0 } },
      ['-VM.Audit /vms', '-Sys.Audit /nodes/pve1', '-Pool.Audit /pool'],
    ],
    [
      '/vms and /nodes shut off below /',
      { '/': ALL, '/access': ALL, '/pool': ALL },
      ['-VM.Audit /vms', '-Sys.Audit /nodes/pve1', '+Pool.Audit /'],
    ],
    [
      'one guest hidden',
      { '/': ALL, ...tops, '/vms/104': { 'VM.Console': 1 }, '/vms/105': { 'VM.Audit': 0 } },
      ['+VM.Audit /', '+Sys.Audit /', '+Pool.Audit /', '-VM.Audit /vms/104'],
    ],
  ];
  for (const [what, map, expected] of cases) {
    it(`are read with ${what}`, () => {
      const grants = grantsOf(map, 'pve1', 'GET /access/permissions');
      expect(
        grants.map(({ privilege, path, isGranted }) => `${isGranted ? '+' : '-'}${privilege} ${path}`),
      ).to.deep.equal(expected);
    });
  }
});
