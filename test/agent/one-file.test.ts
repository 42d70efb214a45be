import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as later } from 'node:timers/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
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
import { ADMIN_KEY, keyOf, startLab, type Lab } from '../web/api/lab.js';
import { gateBefore } from './gate.js';

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

/** The agent as systemd runs it. */
interface Daemon {
  /** What it has logged so far. */
  log(): string;
  /** Tells it to end; yields its exit code. */
  end(): Promise<number | null>;
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
    const configure = (trust: string, { url = manager.url, intervalS = 1 } = {}): void => {
      const { user, tokenName, value } = simulator.token;
      const [at] = simulator.nodes;
      const lines = [
        'node: { name: push-01 }',
        `proxmox: { port: ${at?.port ?? 0}, user: ${user}, token_name: ${tokenName}, token_value: ${value}, fingerprint: "${at?.fingerprint ?? ''}" }`,
        `manager: { url: "${url}", api_key: ${key}, timeout: 5, ${trust} }`,
        `polling: { interval_seconds: ${intervalS} }`,
        'state_file: state.json',
        'logging: { level: debug }',
      ];
      writeFileSync(join(folder, 'client_config.yaml'), lines.join('\n'));
    };
    const kinds = async (): Promise<string[]> =>
      ((await db.reader('agent_events').orderBy('id').select('kind')) as { kind: string }[]).map(({ kind }) => kind);
    /** Of an agent that has reported nothing yet. */
    const daemon = (env: NodeJS.ProcessEnv = {}): Daemon => {
      for (const end of ['', '.outbox']) rmSync(join(folder, `state.json${end}`), { force: true });
      const child = spawn(node, [file, '--daemon'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      const running = {
        log: () => log,
        end: () => {
          child.kill('SIGTERM');
          return ended;
        },
      };
      daemons.push(running);
      return running;
    };
    const daemons: Daemon[] = [];
    /** A process of its own has no clock that a test could move. */
    const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
      for (let tries = 0; !(await holds()); tries += 1) {
        if (tries === 1_000)
          throw new Error(`it did not happen; the agents' logs:\n${daemons.map((each) => each.log()).join('\n')}`);
        await later(20);
      }
    };
    const startsOf = async (vmid: number): Promise<number> => {
      const told = (await db.reader('agent_events').where('kind', 'start').select('body')) as { body: string }[];
      return told.filter(({ body }) => body.includes(`"vmid":${vmid},`)).length;
    };
    const askForSync = (): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { 'X-API-Key': ADMIN_KEY, 'Content-Type': 'application/json' };
        const options = { method: 'POST', headers, ca: readFileSync(join(folder, 'ca.pem')) };
        const asked = request(`${manager.url}/api/ingest/force-sync`, options, (answer) => {
          answer.resume().once('end', () => resolve(answer.statusCode));
        });
        asked.once('error', reject).end('{}');
      });
    const countOf = (all: readonly string[], one: string): number => all.filter((each) => each === one).length;

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
      Object.defineProperty(manager.clock, 'at', { get: () => systemClock.now() });
      key = await keyOf(db, 'ingest');
      simulator = await startSimulator(labScenario(systemClock.now() - 3_600_000), { clock: systemClock });
      simulator.truth(systemClock.now());
    });
    afterEach(async () => {
      for (const each of daemons.splice(0)) await each.end();
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
      const cert = readFileSync(join(folder, 'cert.pem'));
      const keys: unknown[] = [];
      const listener = createServer({ cert, key: readFileSync(join(folder, 'key.pem')) }, (asked, answer) => {
        keys.push(asked.headers['x-api-key']);
        answer.writeHead(401).end('{"detail":"no"}');
      });
      await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
      const url = `https://127.0.0.1:${(listener.address() as AddressInfo).port}`;
      try {
        for (const trust of [`fingerprint: "${'AB'.repeat(32)}"`, 'verify_ssl: true']) {
          configure(trust, { url });
          const { code, out } = await run('--test');
          expect(code, out).to.equal(1);
          expect(out)
            .to.match(/✗ manager: .*the key was not sent/)
            .and.not.include(key);
        }
        expect(keys).to.deep.equal([]);
        configure(`fingerprint: "${fingerprint}"`, { url });
        await run('--test');
        expect(new Set(keys)).to.deep.equal(new Set([key]));
      } finally {
        listener.close();
      }
    });

    it('reports once, by the CA of its manager', async () => {
      configure('ca_file: ca.pem');
      const { code, out } = await run('--once');
      expect(code, out).to.equal(0);
      expect(await kinds()).to.deep.equal(['register', 'start', 'start', 'start', 'states']);
    });

    it('runs until SIGTERM, tells of what happens meanwhile, and systemd how it stands', async () => {
      const bin = join(folder, 'bin');
      const words = (): string[] => readFileSync(join(folder, 'words'), 'utf8').trim().split('\n');
      mkdirSync(bin);
      writeFileSync(join(folder, 'words'), '');
      writeFileSync(join(bin, 'systemd-notify'), `#!/bin/sh\necho "$@" >>'${join(folder, 'words')}'\n`, {
        mode: 0o755,
      });
      configure('ca_file: ca.pem');
      const agent = daemon({ PATH: `${bin}:/usr/bin:/bin`, NOTIFY_SOCKET: 'one', WATCHDOG_USEC: '600000' });
      await until(() => words().includes('READY=1'));
      expect(await startsOf(102)).to.equal(0);
      simulator.act({ kind: 'start', vmid: 102, at: systemClock.now() });
      await until(async () => (await startsOf(102)) === 1);
      await until(() => words().includes('WATCHDOG=1'));
      expect(await agent.end(), agent.log()).to.equal(0);
      expect([words()[0], words().at(-1)]).to.deep.equal(['READY=1', 'STOPPING=1']);
      expect(agent.log()).to.match(/info {2}stopped waiting=0\n$/);
      expect(existsSync(join(folder, 'state.json.outbox.lock'))).to.equal(false);
    });

    it('looks at once when its manager asks, however long its interval is', async () => {
      configure('ca_file: ca.pem', { intervalS: 3_600 });
      const before = countOf(await kinds(), 'states');
      expect(await askForSync()).to.equal(200);
      const agent = daemon();
      // Its own of every start, and the one that was asked for.
      await until(async () => countOf(await kinds(), 'states') === before + 2);
      expect(await agent.end(), agent.log()).to.equal(0);
    });

    it('delivers at SIGTERM what waits for a manager that is back', async () => {
      const gate = await gateBefore(manager.url, 'https');
      configure('ca_file: ca.pem', { url: gate.url, intervalS: 3_600 });
      const before = (await kinds()).length;
      const agent = daemon();
      // After the third refusal it would wait for two seconds at least.
      await until(() => agent.log().split('the manager is tried again').length > 3);
      await gate.open();
      expect(await agent.end(), agent.log()).to.equal(0);
      await gate.close();
      expect((await kinds()).slice(before)).to.include.members(['register', 'start', 'states']);
      expect(agent.log()).to.match(/info {2}stopped waiting=0\n$/);
    });
  });
}
