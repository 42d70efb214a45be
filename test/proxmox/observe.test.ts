import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { silentLog } from '../../src/log.js';
import { createClient, type ProxmoxApi } from '../../src/proxmox/client.js';
import { fetchResources, observeNode, type ObservePlan } from '../../src/proxmox/observe.js';
import { byPath, failing, ok, sharedLeaf, startNodeServer, type Handler, type NodeServer } from './node-server.js';

const UPID = 'UPID:pve1:0000AB12:0012D687:65A1B2C3:qmstart:104:root@pam:';
const LISTS: Record<string, Handler> = {
  '/nodes/pve1/qemu': ok([{ vmid: 104, status: 'running', uptime: 60, pid: 7 }]),
  '/nodes/pve1/lxc': ok([]),
  '/nodes/pve1/tasks': ok([{ upid: UPID, endtime: 1_705_095_900, status: 'OK' }]),
  '/nodes/pve1/status': ok({ uptime: 86_400, pveversion: 'pve-manager/8.4.5/0123abcd' }),
  '/nodes/pve1/time': ok({ time: 1_700_000_000, localtime: 1_700_000_000, timezone: 'UTC' }),
};

const VANISHED = "Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist";

describe('Observing a node', () => {
  let server: NodeServer;
  let api: ProxmoxApi;
  const plan: ObservePlan = {
    node: 'pve1',
    trackQemu: true,
    trackLxc: true,
    isKnownFinished: () => false,
    askStatus: false,
    isDirect: true,
  };
  const waits: number[] = [];
  const parts = {
    clock: systemClock,
    log: silentLog,
    sleep: (ms: number) => {
      waits.push(ms);
      return Promise.resolve();
    },
  };

  before(async () => (server = await startNodeServer(await sharedLeaf())));
  beforeEach(async () => {
    waits.length = 0;
    server.requests.length = 0;
    server.answer(byPath(LISTS));
    api = newApi((await sharedLeaf()).sha256);
  });
  afterEach(() => api.close());
  after(() => server.stop());

  function newApi(sha256: string): ProxmoxApi {
    const trust = { kind: 'fingerprint' as const, sha256 };
    const target = { host: '127.0.0.1', port: server.port, user: 'u@pve', tokenName: 't', tokenValue: 's' };
    return createClient({ ...target, trust, timeoutMs: 5_000 }, parts);
  }

  const asked = (): string[] => server.requests.map((url) => url.replace(/^\/api2\/json\/nodes\/pve1|\?.*$/g, ''));

  it('sees the lists first, then the tasks, in three requests', async () => {
    const seen = await observeNode(api, plan, parts);
    expect(asked().slice(0, 2)).to.have.members(['/qemu', '/lxc']);
    expect(asked().slice(2)).to.deep.equal(['/tasks']);
    expect(seen.qemu).to.include({ kind: 'seen' });
    expect(seen.lxc).to.deep.include({ kind: 'seen', value: [] });
    expect(seen.tasks.kind === 'seen' && seen.tasks.value.rows.map((row) => row.upid)).to.deep.equal([UPID]);
    expect(seen.status).to.equal(null);
    expect(seen.beganAt).to.be.at.most(seen.finishedAt);
    for (const list of [seen.qemu, seen.lxc, seen.tasks]) {
      expect(list?.sentAt).to.be.at.least(seen.beganAt);
      expect(list?.receivedAt).to.be.within(list?.sentAt ?? Infinity, seen.finishedAt);
    }
  });

  it('has at most two requests under way', async () => {
    let underWay = 0;
    let most = 0;
    server.answer((request, response) => {
      underWay += 1;
      most = Math.max(most, underWay);
      response.on('finish', () => (underWay -= 1));
      setImmediate(() => byPath(LISTS)(request, response));
    });
    await observeNode(api, { ...plan, askStatus: true, isDirect: false }, parts);
    expect(most).to.equal(2);
    expect(asked()).to.have.length(5);
  });

  it('asks QEMU’s own state of a running VM under a backup’s or a migration’s lock, and of no other', async () => {
    const rows = [
      { vmid: 104, status: 'running', uptime: 60, pid: 7, lock: 'backup' },
      { vmid: 105, status: 'stopped', uptime: 0, lock: 'backup' },
      { vmid: 106, status: 'running', uptime: 60, pid: 8 },
      { vmid: 107, status: 'running', uptime: 60, pid: 9, lock: 'migrate' },
    ];
    const current = (pid: number, qmpstatus: string) => ok({ vmid: 104, status: 'running', pid, qmpstatus });
    server.answer(
      byPath({
        ...LISTS,
        '/nodes/pve1/qemu': ok(rows),
        '/nodes/pve1/qemu/104/status/current': current(7, 'prelaunch'),
        // Another process by now: its state is none of the listed one's.
        '/nodes/pve1/qemu/107/status/current': current(10, 'running'),
      }),
    );
    const { qemu } = await observeNode(api, plan, parts);
    expect(qemu?.kind === 'seen' && qemu.value.map((row) => row.qmpstatus)).to.deep.equal([
      'prelaunch',
      null,
      null,
      null,
    ]);
    expect(asked().filter((path) => path.endsWith('/current'))).to.have.length(2);
  });

  it('asks for what is tracked only', async () => {
    const seen = await observeNode(api, { ...plan, trackLxc: false }, parts);
    expect(seen.lxc).to.equal(null);
    expect(asked()).to.deep.equal(['/qemu', '/tasks']);
  });

  it('reads the clock from the Date header of the node itself', async () => {
    const dateAt = Math.floor(systemClock.now() / 1000) * 1000 + 40_000;
    const headers = { date: new Date(dateAt).toUTCString() };
    server.answer(byPath(Object.fromEntries(Object.keys(LISTS).map((path) => [path, ok([], headers)]))));
    const { offset } = await observeNode(api, plan, parts);
    expect(offset?.earliestMs).to.be.within(38_000, 40_000);
    expect(offset?.latestMs).to.be.within(40_000, 41_000);
  });

  it('reads the clock from /time where another node answers, and not from that node’s Date header', async () => {
    const { offset } = await observeNode(api, { ...plan, isDirect: false }, parts);
    expect(asked()).to.include('/time');
    expect(offset?.earliestMs).to.be.below(-1_000_000);
    server.answer(byPath({ ...LISTS, '/nodes/pve1/time': failing(403, 'Permission check failed') }));
    expect((await observeNode(api, { ...plan, isDirect: false }, parts)).offset).to.equal(null);
  });

  it('asks the status when told to, and survives without it', async () => {
    const seen = await observeNode(api, { ...plan, askStatus: true }, parts);
    expect(seen.status).to.deep.include({ kind: 'seen', value: { uptimeS: 86_400, version: '8.4.5' } });
    server.answer(
      byPath({ ...LISTS, '/nodes/pve1/status': failing(403, 'Permission check failed (/nodes/pve1, Sys.Audit)') }),
    );
    const without = await observeNode(api, { ...plan, askStatus: true }, parts);
    expect(without.status).to.include({ kind: 'not_seen', reason: 'permission_lost' });
    expect(without.tasks.kind).to.equal('seen');
  });

  it('asks a list again after a second when a config vanished under it, once', async () => {
    let count = 0;
    const vanishing = (times: number): Handler =>
      byPath({
        ...LISTS,
        '/nodes/pve1/qemu': (request, response) =>
          (count++ < times ? failing(500, VANISHED) : ok([{ vmid: 105, status: 'stopped' }]))(request, response),
      });
    server.answer(vanishing(1));
    const seen = await observeNode(api, plan, parts);
    expect(seen.qemu).to.include({ kind: 'seen' });
    expect(waits).to.deep.equal([1_000]);
    count = 0;
    server.answer(vanishing(2));
    const twice = await observeNode(api, plan, parts);
    expect(twice.qemu).to.include({ kind: 'not_seen', reason: 'unreachable' });
    expect(twice.lxc?.kind).to.equal('seen');
    expect(twice.tasks.kind).to.equal('seen');
    expect(count).to.equal(2);
  });

  it('does not ask again after any other failure', async () => {
    for (const status of [500, 503, 595]) {
      server.requests.length = 0;
      server.answer(byPath({ ...LISTS, '/nodes/pve1/qemu': failing(status, 'hostname lookup failed') }));
      const seen = await observeNode(api, plan, parts);
      expect(seen.qemu).to.include({ kind: 'not_seen', reason: 'unreachable' });
      expect(seen.lxc?.kind).to.equal('seen');
      expect(asked().filter((path) => path === '/qemu')).to.have.length(1);
    }
    expect(waits).to.deep.equal([]);
  });

  const deadEnds: [string, Handler, string][] = [
    ['the token is refused', failing(401, 'authentication failure'), 'unauthorized'],
    ['the node cannot be reached through its neighbour', failing(595, 'No route to host'), 'unreachable'],
    ['the connection is closed', (request) => request.socket.destroy(), 'unreachable'],
  ];
  for (const [when, handler, reason] of deadEnds) {
    it(`asks nothing more when ${when}`, async () => {
      server.answer(handler);
      const seen = await observeNode(api, { ...plan, askStatus: true }, parts);
      expect(asked()).to.have.members(['/qemu', '/lxc']);
      for (const part of [seen.qemu, seen.lxc, seen.tasks, seen.status]) {
        expect(part).to.include({ kind: 'not_seen', reason });
      }
      expect(seen.offset).to.equal(null);
    });
  }

  it('sends nothing when the certificate is wrong, and says tls_error for all of it', async () => {
    const wrong = newApi('00'.repeat(32));
    const seen = await observeNode(wrong, plan, parts);
    wrong.close();
    expect(server.requests).to.deep.equal([]);
    for (const part of [seen.qemu, seen.lxc, seen.tasks]) expect(part).to.include({ reason: 'tls_error' });
  });

  it('goes on after a forbidden or unreadable list', async () => {
    server.answer(
      byPath({ ...LISTS, '/nodes/pve1/qemu': failing(403, 'Permission check failed'), '/nodes/pve1/lxc': ok([{}]) }),
    );
    const seen = await observeNode(api, plan, parts);
    expect(seen.qemu).to.include({ kind: 'not_seen', reason: 'permission_lost' });
    expect(seen.lxc).to.include({ kind: 'not_seen', reason: 'bad_answer' });
    expect(seen.tasks.kind).to.equal('seen');
  });

  it('fails the tasks as a whole when a later page fails, so that no hole is taken for read', async () => {
    const page = Array.from({ length: 100 }, (_, index) => ({
      upid: UPID.replace('0000AB12', index.toString(16).padStart(8, '0')),
      endtime: 1,
      status: 'OK',
    }));
    let count = 0;
    server.answer(
      byPath({
        ...LISTS,
        '/nodes/pve1/tasks': (request, response) =>
          (count++ === 0 ? ok(page) : failing(500, 'oops'))(request, response),
      }),
    );
    expect((await observeNode(api, plan, parts)).tasks).to.include({ kind: 'not_seen', reason: 'unreachable' });
    expect(count).to.equal(2);
  });

  it('reads the guests of the cluster’s resources', async () => {
    server.answer(
      byPath({ '/cluster/resources': ok([{ type: 'qemu', vmid: 104, node: 'pve1', status: 'prelaunch' }]) }),
    );
    const seen = await fetchResources(api, systemClock);
    expect(seen.kind === 'seen' && seen.value[0]).to.include({ vmid: 104, status: 'prelaunch' });
    expect(server.requests).to.deep.equal(['/api2/json/cluster/resources?type=vm']);
  });
});
