import { expect } from 'chai';
import { request } from 'node:https';
import { checkServerIdentity, connect, type PeerCertificate } from 'node:tls';
import type { Clock } from '../../src/clock.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import { startSimulator, type SimulatedNode, type Simulator } from '../../src/simulator/server.js';
import type { Scenario } from '../../src/simulator/scenario.js';

const beganAt = Date.UTC(2026, 2, 1);

interface Answer {
  status: number;
  statusText: string;
  headers: NodeJS.Dict<string | string[]>;
  body: { data: unknown; total?: number };
}

describe('the simulator over HTTPS', () => {
  let simulator: Simulator;
  let now = beganAt;
  const clock: Clock = { now: () => now, monotonicMs: () => now };

  const open = async (scenario: Scenario = labScenario(beganAt)): Promise<SimulatedNode> => {
    now = beganAt;
    simulator = await startSimulator(scenario, { clock });
    return simulator.nodes[0] as SimulatedNode;
  };

  const ask = (node: SimulatedNode, path: string, method = 'GET', form = ''): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { user, tokenName, value } = simulator.token;
      const headers = {
        authorization: `PVEAPIToken=${user}!${tokenName}=${value}`,
        ...(form === '' ? {} : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': form.length }),
      };
      const url = `https://127.0.0.1:${node.port}/api2/json${path}`;
      const asked = request(url, { method, headers, ca: simulator.caPem(node.cluster), agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode = 0, statusMessage = '', headers: answered } = response;
          try {
            const body = JSON.parse(text) as Answer['body'];
            resolve({ status: statusCode, statusText: statusMessage, headers: answered, body });
          } catch (error) {
            reject(error as Error);
          }
        });
      });
      asked.on('error', reject);
      asked.end(form);
    });

  afterEach(() => simulator.close());

  it('is trusted through its cluster CA, by address and by name, and shows the fingerprint that it tells', async () => {
    const node = await open();
    const shown = await new Promise<PeerCertificate>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: node.port, ca: simulator.caPem('lab') }, () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      });
      socket.on('error', reject);
    });
    expect(shown.fingerprint256).to.equal(node.fingerprint);
    expect(checkServerIdentity('pve-01', shown)).to.equal(undefined);
    const nodes = (await ask(node, '/nodes')).body.data as { node: string; ssl_fingerprint: string }[];
    expect(nodes.map((row) => row.ssl_fingerprint)).to.deep.equal(
      simulator.nodes.slice(0, 3).map((member) => member.fingerprint),
    );
  });

  it('starts and stops a guest by the real paths', async () => {
    const node = await open();
    const started = await ask(node, '/nodes/pve-01/qemu/102/status/start', 'POST');
    expect(started.status).to.equal(200);
    expect(started.body.data).to.match(
      /^UPID:pve-01:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:qmstart:102:tracker@pve!tracker:$/,
    );
    now += 30_000;
    expect(
      simulator.truth(now).filter((session) => session.vmid === 102 && session.cluster === 'lab'),
    ).to.have.lengthOf(1);
    const stopped = await ask(node, '/nodes/pve-01/qemu/102/status/stop', 'POST');
    expect(stopped.body.data).to.contain(':qmstop:102:');
    now += 10_000;
    const truth = simulator.truth(now).find((session) => session.vmid === 102 && session.cluster === 'lab');
    expect(truth?.endedHow).to.equal('stop');
    const { data, total } = (await ask(node, '/nodes/pve-01/tasks?vmid=102')).body;
    expect(total).to.equal(2);
    expect((data as { status: string }[]).map((row) => row.status)).to.deep.equal(['OK', 'OK']);
  });

  it('refuses to start what runs already, and to shut down without VM.PowerMgmt', async () => {
    const scenario = labScenario(beganAt);
    const node = await open(scenario);
    const again = await ask(node, '/nodes/pve-01/qemu/100/status/start', 'POST');
    expect([again.status, again.statusText]).to.deep.equal([500, 'VM 100 already running']);
    await simulator.close();
    const cluster = scenario.clusters[0];
    const token = cluster?.tokens[0];
    if (cluster === undefined || token === undefined) throw new Error('the lab has no token');
    const readOnly = { ...token, privileges: [{ path: '/', privileges: ['VM.Audit', 'Sys.Audit'] }] };
    const restricted = await open({ ...scenario, clusters: [{ ...cluster, tokens: [readOnly] }] });
    const refused = await ask(restricted, '/nodes/pve-01/qemu/100/status/shutdown', 'POST', 'forceStop=1');
    expect([refused.status, refused.statusText]).to.deep.equal([
      403,
      'Permission check failed (/vms/100, VM.PowerMgmt)',
    ]);
  });

  it('closes the connection with every error, and tells a peer that it cannot reach by 595', async () => {
    const scenario = labScenario(beganAt);
    const node = await open({
      ...scenario,
      events: [{ at: beganAt + 1000, kind: 'node_crash', node: 'pve-02', downMs: 600_000 }],
    });
    now += 5000;
    const proxied = await ask(node, '/nodes/pve-02/qemu');
    expect(proxied.status).to.equal(595);
    expect(proxied.headers['connection']).to.equal('close');
    const dead = simulator.nodes[1] as SimulatedNode;
    const error = await ask(dead, '/nodes').then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).to.be.instanceOf(Error);
  });

  it('shows a renewed certificate to the next connection, under the same CA', async () => {
    const node = await open();
    const before = node.fingerprint;
    await simulator.renewCertificate('pve-01');
    expect(node.fingerprint).not.to.equal(before);
    const nodes = (await ask(node, '/nodes')).body.data as { ssl_fingerprint: string }[];
    expect(nodes[0]?.ssl_fingerprint).to.equal(node.fingerprint);
  });

  it('refuses connections while a node does not listen, and takes them again on the same port', async () => {
    const node = await open();
    const { port } = node;
    await simulator.stopNode('pve-01');
    const code = await ask(node, '/version').then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect(code).to.equal('ECONNREFUSED');
    await simulator.startNode('pve-01');
    expect(node.port).to.equal(port);
    expect((await ask(node, '/version')).body.data).to.include({ release: '9.2' });
  });

  it('plays faults of the wire: a cut body, a senseless body', async () => {
    const scenario = labScenario(beganAt);
    const window = { from: beganAt, to: beganAt + 1000 };
    const node = await open({
      ...scenario,
      faults: [
        { ...window, path: '/qemu', fault: { kind: 'cut' } },
        { ...window, path: '/lxc', fault: { kind: 'garbage' } },
      ],
    });
    const failure = (path: string): Promise<unknown> => ask(node, path).then(() => null, String);
    expect(await failure('/nodes/pve-01/qemu')).to.match(/aborted|ECONNRESET|hang up/);
    expect(await failure('/nodes/pve-01/lxc')).to.contain('SyntaxError');
    now += 1000;
    expect((await ask(node, '/nodes/pve-01/qemu')).status).to.equal(200);
  });

  it('writes a nodes: section with an entry for each node', async () => {
    await open();
    const yaml = simulator.configYaml();
    for (const node of simulator.nodes) {
      expect(yaml).to.contain(`  - name: ${node.name}\n    host: 127.0.0.1\n    port: ${node.port}\n`);
      expect(yaml).to.contain(`fingerprint: "${node.fingerprint}"`);
    }
  });
});
