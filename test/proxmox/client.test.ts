import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { systemClock, type Clock } from '../../src/clock.js';
import type { NodeTrust } from '../../src/config/config.js';
import { createClient, type ClientTarget, type ProxmoxApi } from '../../src/proxmox/client.js';
import { ProxmoxError } from '../../src/proxmox/errors.js';
import {
  failing,
  keptLog,
  ok,
  sharedLeaf,
  standingClock,
  startNodeServer,
  startPlainServer,
  type NodeServer,
} from './node-server.js';

const TOKEN = '0f0e0d0c-secret';

describe('The Proxmox client', () => {
  let server: NodeServer;
  let pin: NodeTrust;
  const open: ProxmoxApi[] = [];
  const log = keptLog();

  before(async () => {
    const leaf = await sharedLeaf();
    pin = { kind: 'fingerprint', sha256: leaf.sha256 };
    server = await startNodeServer(leaf);
  });
  afterEach(() => open.splice(0).forEach((client) => client.close()));
  after(() => server.stop());

  function client(changes: Partial<ClientTarget> = {}, clock: Clock = systemClock): ProxmoxApi {
    const target: ClientTarget = {
      host: '127.0.0.1',
      port: server.port,
      user: 'tracker@pve',
      tokenName: 'poll',
      tokenValue: TOKEN,
      trust: pin,
      timeoutMs: 5_000,
      ...changes,
    };
    const api = createClient(target, { clock, log });
    open.push(api);
    return api;
  }

  async function failure(api: ProxmoxApi, path = '/version'): Promise<ProxmoxError> {
    const outcome: unknown = await api.get(path).then(
      () => null,
      (error: unknown) => error,
    );
    expect(outcome).to.be.instanceOf(ProxmoxError);
    const error = outcome as ProxmoxError;
    expect(error.message).to.not.contain(TOKEN);
    expect(error.cause).to.equal(undefined);
    return error;
  }

  it('sends the token as Proxmox wants it and yields data, total and the Date header', async () => {
    server.answer((_request, response) => {
      response.writeHead(200, { date: 'Tue, 24 Nov 2026 12:00:07 GMT' });
      response.end(JSON.stringify({ data: [1], total: '12' }));
    });
    const answer = await client().get('/nodes/pve1/tasks', { source: 'all', start: 0 });
    expect(answer.data).to.deep.equal([1]);
    expect(answer.total).to.equal(12);
    expect(answer.dateAt).to.equal(Date.UTC(2026, 10, 24, 12, 0, 7));
    expect(answer.sentAt).to.be.at.most(answer.receivedAt);
    expect(server.requests.at(-1)).to.equal('/api2/json/nodes/pve1/tasks?source=all&start=0');
    expect(server.tokens.at(-1)).to.equal(`PVEAPIToken=tracker@pve!poll=${TOKEN}`);
  });

  it('takes as sent the instant at which the request could leave, not that at which connecting began', async () => {
    const clock = standingClock();
    const beganAt = clock.now();
    // Each reading moves the clock, so the order of the readings shows in the values.
    const ticking: Clock = { now: () => (clock.advance(1), clock.now()), monotonicMs: () => clock.monotonicMs() };
    server.answer(ok([]));
    const api = client({}, ticking);
    const first = await api.get('/version');
    const second = await api.get('/version');
    // start, socket, certificate judged, proven | start, socket, end
    expect(first.sentAt - beganAt).to.equal(4);
    expect(first.receivedAt - first.sentAt).to.equal(1);
    expect(second.receivedAt - second.sentAt).to.equal(1);
    expect(api.handshakeCount).to.equal(1);
  });

  it('unpacks a gzipped answer', async () => {
    server.answer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ data: 'x'.repeat(5_000) })));
    });
    expect((await client().get('/version')).data).to.have.length(5_000);
  });

  const statuses: [number, string, string, string][] = [
    [401, 'authentication failure', 'unauthorized', 'token_value'],
    [401, 'invalid token value!', 'unauthorized', 'refused with 401: invalid token value. The token is wrong'],
    [403, 'Permission check failed (/vms/104, VM.Audit)', 'forbidden', '(/vms/104, VM.Audit)'],
    [400, 'Parameter verification failed.', 'bad_answer', '400'],
    [301, 'Moved', 'bad_answer', '301'],
    [500, "Configuration file 'nodes/pve1/qemu-server/104.conf' does not exist", 'unreachable', '104.conf'],
    [501, "Method 'GET /version' not implemented", 'unreachable', '501'],
    [595, 'No route to host', 'unreachable', 'No route to host'],
    [596, 'Connection timed out', 'unreachable', '596'],
    [599, 'Too many redirections', 'unreachable', '599'],
  ];
  for (const [status, said, kind, word] of statuses) {
    it(`names a ${status} as ${kind} and keeps what Proxmox said`, async () => {
      server.answer(failing(status, said));
      const error = await failure(client());
      expect(error.kind).to.equal(kind);
      expect(error.statusCode).to.equal(status);
      expect(error.said).to.equal(said);
      expect(error.message).to.contain(word).and.to.contain(`127.0.0.1:${server.port}`);
    });
  }

  it('does not follow a redirect', async () => {
    server.answer((_request, response) => response.writeHead(302, { location: '/api2/json/other' }).end());
    const before = server.requests.length;
    expect((await failure(client())).kind).to.equal('bad_answer');
    expect(server.requests.length - before).to.equal(1);
  });

  it('takes what is not JSON, or JSON without data, for a bad answer', async () => {
    for (const body of ['<html>login</html>', '', '[]', 'null', '{"errors":{}}', '{"data":[1,']) {
      server.answer((_request, response) => response.writeHead(200).end(body));
      const error = await failure(client());
      expect(error.kind, body).to.equal('bad_answer');
      expect(error.message).to.not.contain('login');
    }
  });

  it('takes a cut body for a bad answer', async () => {
    server.answer((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"data":[');
      setImmediate(() => response.destroy());
    });
    const error = await failure(client());
    expect(error.kind).to.equal('bad_answer');
    expect(error.message).to.contain('in the middle');
  });

  it('refuses an answer larger than the cap, also when it is small on the wire', async () => {
    server.answer((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ data: 'x'.repeat(3_000_000) })));
    });
    const error = await failure(client({ maxAnswerBytes: 64 * 1024 }));
    expect(error.kind).to.equal('bad_answer');
    expect(error.message).to.contain('larger than 64 KiB');
  });

  it('gives up on a body that hangs in the middle', async () => {
    server.answer((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 });
      response.write('{"data":[');
    });
    const error = await failure(client({ timeoutMs: 200 }));
    expect(error.kind).to.equal('timeout');
    expect(error.message).to.contain('did not answer in time');
  });

  it('gives up on a server that never answers', async () => {
    server.answer(() => {});
    expect((await failure(client({ timeoutMs: 200 }))).kind).to.equal('timeout');
  });

  it('gives up on a port that takes the connection and never shakes hands', async () => {
    const silent = await startPlainServer(() => {});
    const error = await failure(client({ port: silent.port, timeoutMs: 200 }));
    await silent.stop();
    expect(error.kind).to.equal('timeout');
    expect(error.message).to.contain('TLS handshake');
  });

  it('tells a port that speaks something else than TLS', async () => {
    const ssh = await startPlainServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
    const error = await failure(client({ port: ssh.port }));
    await ssh.stop();
    expect(error.kind).to.equal('tls');
    expect(error.message).to.contain('8006');
  });

  it('tells a port on which nothing listens, and a name that DNS does not know', async () => {
    const gone = await startNodeServer(await sharedLeaf());
    await gone.stop();
    const refused = await failure(client({ port: gone.port }));
    expect(refused.kind).to.equal('unreachable');
    expect(refused.message).to.contain('refused the connection');
    const unknown = await failure(client({ host: 'no-such-host.invalid' }));
    expect(unknown.kind).to.equal('unreachable');
    expect(unknown.message).to.contain('DNS');
  });

  it('reuses a connection that was idle for a moment, and none that was idle as long as pveproxy keeps it', async () => {
    const clock = standingClock();
    server.answer(ok([]));
    const api = client({}, clock);
    await api.get('/version');
    clock.advance(3_900);
    await api.get('/version');
    expect(api.handshakeCount).to.equal(1);
    clock.advance(4_000);
    await api.get('/version');
    expect(api.handshakeCount).to.equal(2);
  });

  it('asks once more, on a fresh connection, when a kept one is reset under the request', async () => {
    server.answer(ok([1]));
    const api = client();
    await api.get('/version');
    let count = 0;
    server.answer((request, response) => {
      count += 1;
      if (count === 1) request.socket.destroy();
      else ok([2])(request, response);
    });
    expect((await api.get('/version')).data).to.deep.equal([2]);
    expect(api.requestCount).to.equal(3);
    expect(api.handshakeCount).to.equal(2);
  });

  it('does not ask again when a fresh connection is closed without an answer', async () => {
    let count = 0;
    server.answer((request) => {
      count += 1;
      request.socket.destroy();
    });
    const error = await failure(client());
    expect(error.kind).to.equal('unreachable');
    expect(count).to.equal(1);
  });

  it('never holds more than two connections', async () => {
    server.answer(ok([]));
    const api = client();
    await Promise.all(Array.from({ length: 12 }, () => api.get('/version')));
    expect(api.handshakeCount).to.equal(2);
    expect(api.requestCount).to.equal(12);
  });
});
