import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { systemClock } from '../../src/clock.js';
import { openDatabase } from '../../src/ledger/database.js';
import { packageRoot } from '../../src/package-root.js';
import type { Scenario } from '../../src/simulator/scenario.js';
import { labScenario, labToken } from '../../src/simulator/scenarios.js';
import { startSimulator, type Simulator } from '../../src/simulator/server.js';
import { cli, tempFolder, type CliOutcome } from '../commands/running.js';

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

interface Running {
  /** Resolves when standard error holds this. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: 'SIGTERM' | 'SIGINT'): void;
  ended: Promise<Ended>;
}

/** Node with our sources as a process of its own, as bin/ runs it. */
function node(args: string[]): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], { cwd: packageRoot, env: process.env });
  let [out, err] = ['', ''];
  const heard = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
    for (const listener of heard) listener();
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(err);
          if (found === null) return;
          heard.delete(look);
          resolve(found);
        };
        heard.add(look);
        look();
        void ended.then((outcome) => reject(new Error(`it ended first: ${JSON.stringify(outcome)}`)));
      }),
  };
}

describe('the process', () => {
  const folder = tempFolder();
  let simulator: Simulator;

  const configure = (nodes: string, ...lines: string[]): void =>
    folder.write(
      [
        'database: { type: sqlite, file: tracker.sqlite }',
        'server: { host: 127.0.0.1, port: 0 }',
        'polling: { timeout_seconds: 2 }',
        ...lines,
        nodes,
      ].join('\n'),
    );
  const rowsIn = async (table: string): Promise<number> => {
    const db = openDatabase({ type: 'sqlite', file: join(folder.path, 'tracker.sqlite') });
    const [row] = (await db.reader(table).count('* as count')) as { count: number }[];
    await db.close();
    return Number(row?.count);
  };
  const command = (...words: string[]): Running => node(['src/main.ts', ...words, '--config', folder.config]);

  before(async () => {
    const nowAt = systemClock.now();
    simulator = await startSimulator(labScenario(nowAt - 3_600_000), { clock: systemClock });
    // The first answer computes the world up to now.
    simulator.truth(nowAt);
  });

  after(() => simulator.close());

  it('serves until SIGTERM, and then ends with 0 after it has closed its database', async () => {
    configure(simulator.configYaml());
    const serve = command('serve');
    const [, link = ''] = await serve.says(/no user yet: open (\S+) to make the first one/);
    expect((await fetch(link)).status).to.equal(200);
    const [polled] = await serve.says(/first poll done.*/);
    expect(polled).to.match(/nodes=4 sessions=10/);
    serve.kill('SIGTERM');
    const { code, out, err } = await serve.ended;
    expect({ code, out }).to.deep.equal({ code: 0, out: '' });
    expect(err).to.match(/stopping/);
    expect(err).not.to.match(/ error /);
    expect(err).not.to.contain(labToken().value);
    // All that was written lies in the database itself.
    const logBytes = statSync(join(folder.path, 'tracker.sqlite-wal'), { throwIfNoEntry: false })?.size ?? 0;
    expect(logBytes).to.equal(0);
  });

  it('finishes a slow poll that SIGTERM finds under way, and no secret is in all that it said', async () => {
    const secrets = { api: 'api-key-of-this-test-0123456789ab', admin: 'admin-key-of-this-test-0123456789' };
    configure(
      simulator.configYaml(),
      `security: { api_key: ${secrets.api}, admin_api_key: ${secrets.admin} }`,
      'logging: { level: debug, format: json }',
    );
    const slow = { from: systemClock.now(), to: systemClock.now() + 600_000, path: '/qemu' };
    const serve = command('serve');
    const [, link = '', token = ''] = await serve.says(/no user yet: open (\S+\/setup\/(\S+)) to make/);
    await serve.says(/first poll done/);
    const url = new URL('/', link).href;
    simulator.world.scenario.faults.push({ ...slow, fault: { kind: 'slow', delayMs: 1500 } });
    const headers = { 'X-API-Key': secrets.admin, 'X-Request-Id': 'sync-of-the-test' };
    const pollsBefore = await rowsIn('polls');
    const syncing = fetch(`${url}api/sessions/sync`, { method: 'POST', headers });
    await fetch(`${url}api/nodes`, { headers: { 'X-API-Key': 'a-wrong-key-that-is-secret-too' } });
    await fetch(`${url}api/ingest/heartbeat`, { method: 'POST', headers: { 'X-API-Key': secrets.api }, body: '{}' });
    await pause(500);
    serve.kill('SIGTERM');
    const answer = await syncing;
    expect(answer.status).to.equal(200);
    const { code, err } = await serve.ended;
    simulator.world.scenario.faults.pop();
    expect(code).to.equal(0);
    const events = err
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.filter(({ level }) => level === 'error')).to.deep.equal([]);
    const synced = events.find(({ id }) => id === 'sync-of-the-test');
    expect(synced).to.include({ message: 'request', status: 200 });
    // It was answered well after the signal.
    expect(synced?.['ms']).to.be.at.least(1400);
    // The four polls under way are written whole; what a killed one leaves is told by the survival tests.
    expect((await rowsIn('polls')) - pollsBefore).to.be.at.least(4);
    const said = err.replaceAll(link, '');
    for (const secret of [labToken().value, ...Object.values(secrets), 'a-wrong-key-that-is-secret-too', token])
      expect(said).not.to.contain(secret);
  });

  it('ends by itself when the manager was stopped: nothing is left open', async () => {
    configure(simulator.configYaml());
    const script = `
      import { createApp } from './src/app.js';
      import { loadConfig } from './src/config/load.js';
      import { systemClock } from './src/clock.js';
      import { silentLog } from './src/log.js';
      const app = createApp(loadConfig(${JSON.stringify(folder.config)}, {}), { clock: systemClock, log: silentLog });
      await app.start();
      await app.pollNow({ nodes: null });
      await app.stop();
      process.stdout.write('stopped');
    `;
    const { code, out, err } = await node(['--input-type=module', '-e', script]).ended;
    expect({ code, out, err }).to.deep.equal({ code: 0, out: 'stopped', err: '' });
  });

  it('polls once, prints what changed, and what did not at the second time', async () => {
    configure(simulator.configYaml().replaceAll('name: edge-01', 'name: edge'));
    const first = await cli(['once', '--config', folder.config]);
    expect(first.code).to.equal(0);
    expect(first.out).to.match(/✓ pve-01: 4 guests/);
    const second = await cli(['once', '--config', folder.config]);
    expect(second.code).to.equal(0);
    expect(second.out).to.match(/0 sessions began, 0 changed, 14 guests as before\n$/);
  });
});

describe('test and once where something is wrong', () => {
  const folder = tempFolder();
  const nowAt = systemClock.now();
  let simulator: Simulator;

  const lacking = (privileges: string[]): Scenario => {
    const scenario = labScenario(nowAt - 3_600_000);
    for (const cluster of scenario.clusters) {
      cluster.tokens = [{ ...labToken(), privileges: [{ path: '/', privileges }] }];
    }
    return scenario;
  };
  const edge = (): string => `nodes:\n${simulator.configYaml().split('\n').slice(-8).join('\n')}`;
  const run = (word: string, nodes: string): Promise<CliOutcome> => {
    folder.write(`database: { type: sqlite, file: ${word}.sqlite }\npolling: { timeout_seconds: 2 }\n${nodes}`);
    return cli([word, '--config', folder.config]);
  };

  before(async () => {
    simulator = await startSimulator(labScenario(nowAt - 3_600_000), { clock: systemClock });
  });
  after(() => simulator.close());

  it('test prints node, token and guests, and exits 0', async () => {
    const { code, out, err } = await run('test', edge());
    expect({ code, err }).to.deep.equal({ code: 0, err: '' });
    expect(
      out
        .replace(/8\.4\.\d+/, '8.4')
        .split('\n')
        .slice(0, 5),
    ).to.deep.equal([
      '✓ Proxmox API connection successful',
      '  Node: edge-01 (standalone, Proxmox VE 8.4)',
      '  Token: VM.Audit on / ✓   Sys.Audit on / ✓',
      '  VMs found: 3',
      '    - 100: router (running)',
    ]);
  });

  const faults: [what: string, change: (nodes: string) => string, scenario: () => Scenario, sentence: RegExp][] = [
    [
      'a wrong token',
      (text) => text.replace(/token_value: .*/, 'token_value: "wrong"'),
      () => lacking(['VM.Audit', 'Sys.Audit']),
      /401.*token_value/,
    ],
    [
      'a wrong fingerprint',
      (text) => text.replace(/fingerprint: "../, 'fingerprint: "00'),
      () => lacking(['VM.Audit', 'Sys.Audit']),
      /not the pinned one.*proxmox-tracker fingerprint/,
    ],
    ['a missing VM.Audit', (text) => text, () => lacking(['Sys.Audit']), /lacks VM\.Audit on \/.*pveum acl modify/],
    ['a missing Sys.Audit', (text) => text, () => lacking(['VM.Audit']), /lacks Sys\.Audit on \/.*pveum acl modify/],
    [
      'a dead host',
      (text) => text.replace(/port: \d+/, 'port: 1'),
      () => lacking(['VM.Audit', 'Sys.Audit']),
      /refused the connection/,
    ],
  ];
  for (const [what, change, scenario, sentence] of faults) {
    it(`test exits 1 with a sentence of its own for ${what}`, async () => {
      simulator.setScenario(scenario());
      const { code, out, err } = await run('test', change(edge()));
      expect({ code, err }).to.deep.equal({ code: 1, err: '' });
      expect(out)
        .to.match(sentence)
        .and.match(/^✗ edge-01: .*\n$/);
    });
  }

  it('once exits 1 when a node does not answer, and names it', async () => {
    const { code, out } = await run('once', edge().replace(/port: \d+/, 'port: 1'));
    expect(code).to.equal(1);
    expect(out).to.match(/✗ edge-01: .*refused the connection/);
  });
});
