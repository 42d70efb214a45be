import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { openDatabase, type Database } from '../../src/ledger/database.js';
import { migrate } from '../../src/ledger/migrations.js';
import { silentLog } from '../../src/log.js';
import { packageRoot, packageVersion } from '../../src/package-root.js';
import { labScenario } from '../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../src/simulator/server.js';
import { createAuthority } from '../proxmox/certificates.js';
import { keyOf, startLab, type Lab } from '../web/api/lab.js';

/** Node 18 is none of the development packages: .ci/run fetches it and names it here. */
const node18 = process.env['TRACKER_NODE18'] ?? '';
const nodes: [name: string, file: string][] = [
  ['the Node of these tests', process.execPath],
  ['Node 18', node18],
];

interface Ended {
  code: number | null;
  out: string;
}

for (const [name, node] of nodes) {
  describe(`the agent in one file, under ${name}`, function () {
    this.timeout(120_000);
    let folder = '';
    let file = '';
    let db: Database;
    let manager: Lab;
    let simulator: Simulator;
    let fingerprint = '';
    let key = '';

    const run = (...args: string[]): Promise<Ended> =>
      new Promise((resolve) => {
        const child = execFile(node, [file, ...args], { cwd: folder, env: {} }, (_, out, err) =>
          resolve({ code: child.exitCode, out: out + err }),
        );
      });
    const configure = (trust: string): void => {
      const { user, tokenName, value } = simulator.token;
      const [at] = simulator.nodes;
      const lines = [
        'node: { name: push-01 }',
        `proxmox: { port: ${at?.port ?? 0}, user: ${user}, token_name: ${tokenName}, token_value: ${value}, fingerprint: "${at?.fingerprint ?? ''}" }`,
        `manager: { url: "${manager.url}", api_key: ${key}, timeout: 5, ${trust} }`,
        'polling: { interval_seconds: 1 }',
        'state_file: state.json',
      ];
      writeFileSync(join(folder, 'client_config.yaml'), lines.join('\n'));
    };
    const kinds = async (): Promise<string[]> =>
      ((await db.reader('agent_events').orderBy('id').select('kind')) as { kind: string }[]).map(({ kind }) => kind);

    before(async function () {
      if (node === '' || !existsSync(node)) {
        process.stdout.write('      skipped: TRACKER_NODE18 names no Node 18; .ci/run fetches one\n');
        this.skip();
      }
      folder = mkdtempSync(join(tmpdir(), 'tracker-one-file-'));
      file = join(folder, 'agent.mjs');
      execFileSync(process.execPath, [join(packageRoot, 'bin/build-agent.js'), file], { stdio: 'pipe' });
      const authority = await createAuthority('A CA of the house');
      const leaf = await authority.issue({ commonName: 'manager', ip: ['127.0.0.1'] });
      fingerprint = leaf.sha256;
      writeFileSync(join(folder, 'ca.pem'), authority.cert);
      writeFileSync(join(folder, 'cert.pem'), leaf.cert);
      writeFileSync(join(folder, 'key.pem'), leaf.key);
      db = openDatabase({ type: 'sqlite', file: join(folder, 'tracker.sqlite') });
      await migrate(db, { log: silentLog });
      manager = await startLab(db, {
        server: { tls: { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') } },
      });
      key = await keyOf(db, 'ingest');
      simulator = await startSimulator(labScenario(systemClock.now() - 3_600_000), { clock: systemClock });
      simulator.truth(systemClock.now());
    });
    after(async () => {
      if (folder === '') return;
      await simulator.close();
      await manager.close();
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('knows its version', async () => {
      expect(await run('--version')).to.deep.equal({ code: 0, out: `${packageVersion}\n` });
    });

    it('tests its node and its manager over TLS, and reports nothing', async () => {
      configure(`fingerprint: "${fingerprint}"`);
      const { code, out } = await run('--test');
      expect(code, out).to.equal(0);
      expect(out).to.include('✓ Proxmox API connection successful').and.include('✓ Manager connection successful');
      expect(await kinds()).to.deep.equal([]);
    });

    it('sends its key to no certificate but the pinned one, and to none that nobody vouches for', async () => {
      for (const trust of [`fingerprint: "${'AB'.repeat(32)}"`, 'verify_ssl: true']) {
        configure(trust);
        const { code, out } = await run('--test');
        expect(code, out).to.equal(1);
        expect(out).to.match(/✗ manager: .*the key was not sent/);
      }
      expect(manager.lines.filter(({ message }) => /key/.test(message))).to.deep.equal([]);
    });

    it('reports once, by the CA of its manager', async () => {
      configure('ca_file: ca.pem');
      const { code, out } = await run('--once');
      expect(code, out).to.equal(0);
      expect(await kinds()).to.deep.equal(['register', 'start', 'start', 'start', 'states']);
    });
  });
}
