import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createNotifier } from '../../src/notify.js';
import { packageRoot } from '../../src/package-root.js';
import { missingProgram } from '../deploy/shells.js';

// systemd's end of the socket: each datagram that comes is a line.
const listener = `use Socket; socket(my $s, PF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0])); $| = 1; print "bound\\n";
  while (defined recv($s, my $word, 4096, 0)) { print "$word\\n" }`;

describe('what systemd is told', function () {
  this.timeout(60_000);
  const missing = missingProgram('/usr/bin/systemd-notify', 'systemd');
  let folder = '';
  let systemd: ChildProcess;
  let heard: string[] = [];
  const wakers = new Set<() => void>();
  const socket = (): string => join(folder, 'notify');

  /** Resolves when the words heard so far satisfy `are`. */
  const until = (are: (words: string[]) => boolean): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!are(heard)) return;
        wakers.delete(look);
        resolve();
      };
      wakers.add(look);
      look();
    });

  before(async function () {
    if (missing !== null) {
      process.stdout.write(`      skipped: ${missing}\n`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'tracker-notify-'));
    systemd = spawn('perl', ['-e', listener, socket()], { stdio: ['ignore', 'pipe', 'inherit'] });
    systemd.stdout?.on('data', (chunk: Buffer) => {
      const words = chunk.toString().trim().split('\n');
      // By BARRIER systemd-notify waits until its word was taken.
      heard.push(...words.filter((word) => word !== 'BARRIER=1'));
      for (const wake of wakers) wake();
    });
    await until((words) => words.includes('bound'));
  });
  beforeEach(() => (heard = []));
  after(() => {
    systemd?.kill();
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  const environment = (more: Record<string, string> = {}): NodeJS.ProcessEnv => ({
    NOTIFY_SOCKET: socket(),
    PATH: process.env['PATH'],
    ...more,
  });

  it('is READY, WATCHDOG while the loop lives, and STOPPING', async () => {
    const env = environment({ WATCHDOG_USEC: '60000', WATCHDOG_PID: String(process.pid) });
    const notifier = createNotifier({ env, log: { warn: () => {} }, isAlive: () => true });
    await notifier.ready();
    await until((words) => words.filter((word) => word === 'WATCHDOG=1').length >= 2);
    await notifier.stopping();
    await until((words) => words.includes('STOPPING=1'));
    expect(heard[0]).to.equal('READY=1');
    expect(heard.at(-1)).to.equal('STOPPING=1');
    expect(new Set(heard)).to.deep.equal(new Set(['READY=1', 'WATCHDOG=1', 'STOPPING=1']));
  });

  it('is nothing of a watchdog while the loop is dead', async () => {
    let askedCount = 0;
    const asked = new Promise<void>((resolve) => {
      const notifier = createNotifier({
        env: environment({ WATCHDOG_USEC: '3000' }),
        log: { warn: () => {} },
        isAlive: () => {
          askedCount += 1;
          if (askedCount === 20) resolve(notifier.stopping());
          return false;
        },
      });
      void notifier.ready();
    });
    await asked;
    await until((words) => words.includes('STOPPING=1'));
    expect(heard).to.deep.equal(['READY=1', 'STOPPING=1']);
  });

  it('is nothing of a watchdog that another process has', async () => {
    const env = environment({ WATCHDOG_USEC: '3000', WATCHDOG_PID: '1' });
    const notifier = createNotifier({ env, log: { warn: () => {} }, isAlive: () => expect.fail('asked') });
    await notifier.ready();
    await notifier.stopping();
    await until((words) => words.includes('STOPPING=1'));
    expect(heard).to.deep.equal(['READY=1', 'STOPPING=1']);
  });

  it('is told by serve, from its first breath to its last', async () => {
    const lines = [
      'database: { file: t.sqlite }',
      'server: { host: 127.0.0.1, port: 0 }',
      'polling: { interval_seconds: 1 }',
    ];
    const config = join(folder, 'config.yaml');
    writeFileSync(config, lines.join('\n'));
    const args = ['--import', 'tsx', 'src/main.ts', 'serve', '--config', config];
    const serve = spawn(process.execPath, args, {
      cwd: packageRoot,
      env: environment({ WATCHDOG_USEC: '600000' }),
      stdio: 'ignore',
    });
    const ended = new Promise<number | null>((resolve) => serve.once('close', resolve));
    await until((words) => words.includes('WATCHDOG=1'));
    expect(heard[0]).to.equal('READY=1');
    serve.kill('SIGTERM');
    expect(await ended).to.equal(0);
    expect(heard.at(-1)).to.equal('STOPPING=1');
  });

  it('is warned of once where systemd-notify is missing, and costs nothing else', async () => {
    const warnings: string[] = [];
    const env = { ...environment(), PATH: '/nowhere' };
    const notifier = createNotifier({ env, log: { warn: (line) => void warnings.push(line) }, isAlive: () => true });
    await notifier.ready();
    await notifier.stopping();
    expect(warnings).to.deep.equal(['systemd was not told how the service stands']);
  });

  it('is nothing at all outside of systemd', async () => {
    const env = { PATH: '/nowhere' };
    const notifier = createNotifier({ env, log: { warn: () => expect.fail('warned') }, isAlive: () => true });
    await notifier.ready();
    await notifier.stopping();
  });
});
