import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A private MariaDB server on 127.0.0.1 with an administrator of its own. */
export interface MariadbServer {
  host: string;
  port: number;
  user: string;
  password: string;
  /** Resolves when the server is gone and its folder with it. */
  stop(): Promise<void>;
}

const USER = 'tracker';
const PASSWORD = 'tracker-test';
/** Nothing here outlives the tests: no waiting for the disk, and no file a table. */
const HASTY = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  '--innodb-flush-method=nosync',
  '--innodb-file-per-table=0',
];
const READY_ATTEMPTS = 1000;

/** Null when MariaDB is installed; else the sentence that says what is missing. */
export function mariadbFault(): string | null {
  const missing = [['mariadbd'], ['mariadb-install-db']].filter(([name]) => programOf(name ?? '') === null);
  return missing.length === 0
    ? null
    : `${missing.flat().join(' and ')} not found: install the Debian package mariadb-server to test on MariaDB too`;
}

/** Starts a server in a new temporary folder. A watcher ends it and removes the folder however this process ends. */
export async function startMariadb(): Promise<MariadbServer> {
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'tracker-mariadb-'));
    try {
      await initialise(folder);
      return await launch(folder, await freePort());
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      // Another process may have taken the port between the question and the start.
      if (attempt === 2) throw error;
    }
  }
}

async function initialise(folder: string): Promise<void> {
  await mkdir(join(folder, 'data'));
  await chmod(folder, 0o755);
  const init = join(folder, 'init.sql');
  await writeFile(
    init,
    `CREATE USER IF NOT EXISTS '${USER}'@'%' IDENTIFIED BY '${PASSWORD}';\nGRANT ALL ON *.* TO '${USER}'@'%';\n`,
  );
  const owner = process.getuid?.() === 0 ? mysqlUser() : null;
  if (owner !== null) for (const path of [folder, join(folder, 'data'), init]) await chown(path, owner.uid, owner.gid);
  const { status, stdout, stderr } = spawnSync(
    programOf('mariadb-install-db') ?? '',
    [
      '--no-defaults',
      `--datadir=${join(folder, 'data')}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      ...HASTY,
      ...(owner === null ? [] : ['--user=mysql']),
    ],
    { encoding: 'utf8', timeout: 60_000 },
  );
  if (status !== 0) throw new Error(`mariadb-install-db failed: ${stdout}${stderr}`);
}

function mysqlUser(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(spawnSync('id', [flag, 'mysql'], { encoding: 'utf8' }).stdout.trim());
  return { uid: id('-u'), gid: id('-g') };
}

async function launch(folder: string, port: number): Promise<MariadbServer> {
  const child = watched(folder, [
    '--no-defaults',
    `--datadir=${join(folder, 'data')}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--log-error=${join(folder, 'log.err')}`,
    `--init-file=${join(folder, 'init.sql')}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_unicode_ci',
    ...HASTY,
    '--innodb-buffer-pool-size=64M',
    ...(process.getuid?.() === 0 ? ['--user=mysql'] : []),
  ]);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.ref();
    child.stdin?.end();
    await gone;
  };
  let log = '';
  for (let attempt = 0; attempt < READY_ATTEMPTS && !log.includes('Aborting'); attempt++) {
    if (log.includes('ready for connections')) return { host: '127.0.0.1', port, user: USER, password: PASSWORD, stop };
    await pause(20);
    log = await readFile(join(folder, 'log.err'), 'utf8').catch(() => '');
  }
  await stop();
  throw new Error(`MariaDB did not start: ${log.split('\n').slice(-10).join('\n')}`);
}

/**
 * The server as the child of a shell that waits for the end of its standard input, which comes when we close it and also
 * when this process is killed; in a group of its own, so that Ctrl-C at the terminal does not end the watcher first.
 */
function watched(folder: string, args: string[]): ChildProcess {
  const script = [
    'folder=$1; shift',
    '"$@" </dev/null >/dev/null 2>&1 & server=$!',
    'read -r _',
    'kill $server; wait $server',
    'rm -rf "$folder"',
  ].join('\n');
  const child = spawn('sh', ['-c', script, 'sh', folder, programOf('mariadbd') ?? '', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  // An open pipe to the watcher must not keep mocha alive.
  (child.stdin as unknown as { unref(): void }).unref();
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

function programOf(name: string): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}
