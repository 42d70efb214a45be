import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { expect } from 'chai';
import { createApp, type App } from '../../src/app.js';
import { createKey } from '../../src/ledger/access.js';
import { inTransaction } from '../../src/ledger/database.js';
import { silentLog } from '../../src/log.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../src/simulator/server.js';
import { BEGAN_AT, labConfig, MovedClock, SECOND, sessionsOf } from '../collect/lab.js';
import { shells, type ScriptOutcome } from '../deploy/shells.js';
import { stubNode, type StubNode } from '../deploy/stub-node.js';
import { createAuthority, type Issued } from '../proxmox/certificates.js';
import { forEachDatabase } from '../support/databases.js';

const all = { nodes: null };
/** An address of the loopback that no other test listens at: the relay's entry has Proxmox's own port. */
const HOST = '127.86.1.17';

forEachDatabase((_name, _open, fresh) => {
  describe('a node that relay.sh registers', function () {
    this.timeout(60_000);
    let clock: MovedClock;
    let simulator: Simulator;
    let node: StubNode;
    let app: App;
    let url: string;
    let issued: Issued;

    before(async () => {
      clock = new MovedClock();
      simulator = await startSimulator(labScenario(BEGAN_AT), { clock, host: HOST, ports: [8006] });
      node = await stubNode();
      writeFileSync(join(node.folder, 'pve/local/pve-ssl.pem'), await shownBy(HOST, 8006));
      issued = await (await createAuthority('A CA of the house')).issue({ commonName: 'tracker', ip: ['127.0.0.1'] });
      const [cert, key] = [join(node.folder, 'manager.pem'), join(node.folder, 'manager.key')];
      writeFileSync(cert, issued.cert);
      writeFileSync(key, issued.key);
      const config = { ...labConfig(simulator), nodes: [], database: await fresh.migrated() };
      app = createApp({ ...config, server: { ...config.server, tls: { cert, key } } }, { clock, log: silentLog });
      ({ url } = await app.start());
    });
    after(async () => {
      await app.stop();
      await simulator.close();
      node.remove();
    });

    const enrolKey = async (name: string): Promise<string> =>
      (await inTransaction(app.db, (trx) => createKey(trx, { name, scope: 'enrol' }, clock.at))).key;
    const register = (key: string, ...more: string[]): Promise<ScriptOutcome> => {
      const file = join(node.folder, 'key');
      writeFileSync(file, `${key}\n`);
      const way = ['--register', url.replace(/\/$/, ''), '--key-file', file, '--fingerprint', issued.sha256];
      return node.relay(shells[0] ?? ['/bin/sh'], [...way, '--name', 'pve-01', '--host', HOST, ...more]);
    };
    /** Proxmox knows the token that pveum made. */
    const letIn = (): void => {
      const [token] = Object.values(node.state().tokens);
      simulator.token.value = token?.value ?? '';
    };

    it('is polled, and has its first sessions', async () => {
      const key = await enrolKey('for pve-01');
      const { code, err } = await register(key);
      expect(err).to.match(/registered at .* as pve-01; it is polled within an interval/);
      expect(code).to.equal(0);
      letIn();
      clock.at += 30 * SECOND;
      await app.pollNow(all);
      const sessions = await sessionsOf(app.db, { node: 'pve-01' });
      expect(sessions.filter(({ end }) => end === null)).to.not.be.empty;
      const [entry] = await app.collector.entries.list();
      expect(entry).to.include({ name: 'pve-01', node: 'pve-01', state: 'online', origin: 'database' });
    });

    it('is not registered again with a key that was used, and takes the token back', async () => {
      const key = await enrolKey('used');
      expect((await register(key, '--rotate')).code).to.equal(0);
      letIn();
      const again = await register(key, '--rotate');
      expect(again.code).to.equal(1);
      expect(again.err).to.match(/does not know the enrol key/);
      expect(node.state().tokens).to.deep.equal({});
    });

    it('gets a new token by --rotate, and is polled on with it', async () => {
      expect((await register(await enrolKey('again'), '--rotate')).code).to.equal(0);
      letIn();
      clock.at += 30 * SECOND;
      const report = await app.pollNow(all);
      expect(report.nodes.find(({ node: name }) => name === 'pve-01')).to.include({ isSeen: true });
      expect(await app.collector.entries.list()).to.have.length(1);
    });
  });
});

/** The certificate that a server shows, in PEM. */
function shownBy(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host, port, rejectUnauthorized: false }, () => {
      const raw = socket.getPeerCertificate().raw.toString('base64');
      socket.destroy();
      resolve(`-----BEGIN CERTIFICATE-----\n${raw.replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`);
    });
    socket.on('error', reject);
  });
}
