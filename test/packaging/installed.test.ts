import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { packageRoot, packageVersion } from '../../src/package-root.js';

const runFile = promisify(execFile);

/** Runs a program to its end, without what npm and mocha put into the environment for themselves. */
async function runIn(cwd: string, file: string, ...args: string[]): Promise<string> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$)/i.test(name)));
  const { stdout } = await runFile(file, args, { cwd, env, maxBuffer: 16 * 2 ** 20 });
  return stdout;
}

describe('the packed package, installed without development packages', function () {
  this.timeout(300_000);
  let folder = '';
  const installed = (...path: string[]): string => join(folder, 'app', 'node_modules', ...path);
  const tracker = (...args: string[]): Promise<string> =>
    runIn(join(folder, 'app'), process.execPath, installed('proxmox-tracker', 'bin', 'proxmox-tracker.js'), ...args);

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-package-'));
    const app = join(folder, 'app');
    mkdirSync(app);
    await buildInto(join(folder, 'source'));
    await runIn(join(folder, 'source'), 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder);
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    writeFileSync(join(app, 'package.json'), '{ "private": true }');
    await runIn(
      app,
      'npm',
      'install',
      '--omit=dev',
      '--prefer-offline',
      '--no-audit',
      '--no-fund',
      join(folder, tarball),
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('brings no development package', () => {
    for (const name of ['typescript', 'mocha', 'tsx', 'eslint'])
      expect(existsSync(installed(name)), name).to.equal(false);
  });

  it('brings what the manager reads at run time', () => {
    for (const path of ['views', 'public', 'config.yaml', 'docs/config.md', 'CHANGELOG.md', 'LICENSE', 'README.md']) {
      expect(existsSync(installed('proxmox-tracker', path)), path).to.equal(true);
    }
    for (const path of ['src', 'test', 'tsconfig.json']) {
      expect(existsSync(installed('proxmox-tracker', path)), path).to.equal(false);
    }
  });

  it('puts the command where npx finds it', async () => {
    const out = await runIn(join(folder, 'app'), join(installed('.bin'), 'proxmox-tracker'), '--version');
    expect(out).to.equal(`${packageVersion}\n`);
  });

  it('shows its help', async () => {
    expect(await tracker('--help')).to.include('Usage: proxmox-tracker COMMAND [options]');
  });

  it('makes its tables', async () => {
    writeFileSync(join(folder, 'app', 'config.yaml'), 'database: { file: t.sqlite }\n');
    expect(await tracker('migrate')).to.match(/The tables are up to date: \d+ migrations done\.\n$/);
    expect(await tracker('migrate', '--status')).to.match(/ 0 pending\n$/);
  });
});

// The checkout's own dist/ is left alone: a test that empties it would take it from a manager that runs there.
async function buildInto(source: string): Promise<void> {
  mkdirSync(source);
  const folders = ['bin', 'src', 'migrations', 'views', 'public', 'deploy', 'docs'];
  const files = [
    'knexfile.ts',
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'config.yaml',
    'CHANGELOG.md',
    'README.md',
    'LICENSE',
  ];
  for (const name of [...folders, ...files]) await runIn(packageRoot, 'cp', '-R', join(packageRoot, name), source);
  await runIn(packageRoot, 'ln', '-s', join(packageRoot, 'node_modules'), join(source, 'node_modules'));
  await runIn(source, 'npm', 'run', 'build');
}
