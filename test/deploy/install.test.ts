import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.js';
import { packageRoot } from '../../src/package-root.js';
import { missingProgram, runScript, shells, type ScriptOutcome } from './shells.js';

const [anyShell = ['/bin/sh']] = shells;
const settings = 'etc/proxmox-tracker';

describe('install.sh', function () {
  this.timeout(60_000);
  let folder = '';
  const at = (...path: string[]): string => join(folder, ...path);
  const read = (...path: string[]): string => readFileSync(at(...path), 'utf8');
  const write = (path: string, text: string): void => writeFileSync(at(path), text);
  const program = (name: string, body: string): void => {
    write(`bin/${name}`, `#!/bin/sh\necho "${name} $*" >>'${at('calls')}'\n${body}\n`);
    chmodSync(at('bin', name), 0o755);
  };

  /** Calls of a program since the last question. */
  const calls = (name: string): string[] =>
    read('calls')
      .split('\n')
      .filter((line) => line.startsWith(`${name} `));
  const install = (args: string[] = [], env: Record<string, string> = {}): Promise<ScriptOutcome> => {
    write('calls', '');
    return runScript(anyShell, at('source/deploy/install.sh'), args, {
      env: { PATH: `${at('bin')}:/usr/bin:/bin`, TRACKER_INSTALL_ROOT: at('root'), ...env },
    });
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tracker-install-'));
    for (const path of ['bin', 'root/etc', 'root/opt', 'source']) mkdirSync(at(path), { recursive: true });
    for (const path of ['bin', 'deploy', 'docs', 'views', 'config.yaml', 'package.json', 'README.md'])
      cpSync(join(packageRoot, path), at('source', path), { recursive: true });
    mkdirSync(at('source/src'));
    write('root/etc/os-release', 'PRETTY_NAME="Debian"\nVERSION_ID="12"\nID=debian\n');
    program('id', 'echo "${STUB_UID:-0}"');
    // The user's database: empty until useradd fills it.
    program('getent', `test -e '${at('user')}'`);
    program('useradd', `touch '${at('user')}'`);
    program('chown', '');
    program(
      'systemctl',
      'case "$1" in is-active) test -n "${STUB_ACTIVE:-}" ;; restart) test -z "${STUB_DEAD:-}" ;; esac',
    );
    const version = `if [ "$1" = --version ]; then cat '${at('node-version')}'; exit; fi`;
    program('node', `${version}\nexec '${process.execPath}' "$@"`);
    write('node-version', 'v22.11.0\n');
    const build = 'mkdir -p dist/src; echo "export {};" >dist/src/main.js';
    program('npm', `[ -z "\${STUB_NPM:-}" ] || exit 1\nif [ "$1" = run ]; then ${build}; fi`);
    program('curl', 'while [ "$1" != -o ]; do shift; done; echo key >"$2"');
    program('apt-get', `case "$*" in *nodejs*) echo v22.20.0 >'${at('node-version')}' ;; esac`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is clean in the eyes of shellcheck, and so is the command that it installs', function () {
    const missing = missingProgram('/usr/bin/shellcheck', 'shellcheck');
    if (missing !== null) {
      process.stdout.write(`      skipped: ${missing}\n`);
      this.skip();
    }
    const scripts = ['install.sh', 'proxmox-tracker'].map((name) => join(packageRoot, 'deploy', name));
    execFileSync('/usr/bin/shellcheck', ['--shell=sh', ...scripts], { stdio: 'pipe' });
  });

  it('puts program, user, configuration, command and service in their places, and starts it', async () => {
    const { code, out, err } = await install();
    expect({ code, out }, err).to.deep.equal({ code: 0, out: '' });
    expect(calls('npm').map((line) => line.split(' ').slice(1, 3).join(' '))).to.deep.equal([
      'ci --ignore-scripts',
      'run build',
      'prune --omit=dev',
    ]);
    expect(existsSync(at('root/opt/proxmox-tracker/dist/src/main.js'))).to.equal(true);
    expect(existsSync(at('root/opt/proxmox-tracker.new'))).to.equal(false);
    expect(calls('useradd')).to.have.length(1);
    expect(calls('useradd')[0]).to.match(/--system .*--shell \/usr\/sbin\/nologin proxmox-tracker$/);
    expect(calls('systemctl').slice(-3)).to.deep.equal([
      'systemctl daemon-reload',
      'systemctl enable proxmox-tracker-manager',
      'systemctl restart proxmox-tracker-manager',
    ]);
    expect(read('root/etc/systemd/system/proxmox-tracker-manager.service')).to.equal(
      readFileSync(join(packageRoot, 'deploy/proxmox-tracker-manager.service'), 'utf8'),
    );
    expect(statSync(at('root/usr/local/bin/proxmox-tracker')).mode & 0o777).to.equal(0o755);
  });

  it('writes a configuration that works, whose data lie where the service may write, for its own eyes alone', async () => {
    await install();
    const file = at('root', settings, 'config.yaml');
    const config = loadConfig(file, {});
    expect(config.database).to.include({ type: 'sqlite', file: '/var/lib/proxmox-tracker/tracker.sqlite' });
    expect(config.security.secretKeyFile).to.equal('/var/lib/proxmox-tracker/secret.key');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(statSync(at('root', settings)).mode & 0o777).to.equal(0o750);
    const owned = calls('chown').map((line) => line.split('/root/')[1]);
    expect(owned).to.deep.equal([
      'etc/proxmox-tracker',
      'var/lib/proxmox-tracker',
      'etc/proxmox-tracker/config.yaml.new',
    ]);
  });

  it('upgrades: replaces program and unit, keeps configuration and data, makes no second user', async () => {
    await install();
    write(`root/${settings}/config.yaml`, 'nodes: [] # mine\n');
    write('root/var/lib/proxmox-tracker/tracker.sqlite', 'years of history');
    write('root/opt/proxmox-tracker/left-over.js', 'of the old version');
    write('source/README.md', 'the new version');
    const { code, err } = await install([], { STUB_ACTIVE: 'yes' });
    expect(code, err).to.equal(0);
    expect(err).to.match(/config\.yaml is kept/);
    expect(read('root', settings, 'config.yaml')).to.equal('nodes: [] # mine\n');
    expect(read('root/var/lib/proxmox-tracker/tracker.sqlite')).to.equal('years of history');
    expect(read('root/opt/proxmox-tracker/README.md')).to.equal('the new version');
    expect(existsSync(at('root/opt/proxmox-tracker/left-over.js'))).to.equal(false);
    expect(existsSync(at('root/opt/proxmox-tracker.old'))).to.equal(false);
    expect(calls('useradd')).to.deep.equal([]);
    // The old program is not pulled from under a service that runs.
    expect(
      calls('systemctl')
        .slice(0, 2)
        .map((line) => line.split(' ')[1]),
    ).to.deep.equal(['is-active', 'stop']);
  });

  it('leaves the old program running when the new one cannot be built', async () => {
    await install();
    write('root/opt/proxmox-tracker/README.md', 'the old version');
    const { code, err } = await install([], { STUB_NPM: 'fails', STUB_ACTIVE: 'yes' });
    expect(code).to.equal(1);
    expect(err).to.match(/could not be built.*nothing was changed/);
    expect(read('root/opt/proxmox-tracker/README.md')).to.equal('the old version');
    expect(existsSync(at('root/opt/proxmox-tracker.new'))).to.equal(false);
    expect(calls('systemctl')).to.deep.equal([]);
  });

  it('says where to look when the service does not start', async () => {
    const { code, err } = await install([], { STUB_DEAD: 'yes' });
    expect(code).to.equal(1);
    expect(err).to.match(/did not start: journalctl -u proxmox-tracker-manager/);
  });

  it('takes a package that was built elsewhere as it is', async () => {
    rmSync(at('source/src'), { recursive: true });
    mkdirSync(at('source/dist/src'), { recursive: true });
    write('source/dist/src/main.js', '// built elsewhere');
    const { code, err } = await install(['--no-start']);
    expect(code, err).to.equal(0);
    expect(calls('npm').map((line) => line.split(' ')[1])).to.deep.equal(['install']);
    expect(read('root/opt/proxmox-tracker/dist/src/main.js')).to.equal('// built elsewhere');
    expect(calls('systemctl')).to.deep.equal(['systemctl daemon-reload']);
  });

  for (const old of ['v18.20.4', 'v20.18.3']) {
    it(`refuses Node ${old} where nobody can be asked`, async () => {
      write('node-version', `${old}\n`);
      const { code, err } = await install();
      expect(code).to.equal(1);
      expect(err).to.match(new RegExp(`Node is ${old}.*--install-node`));
      expect(calls('apt-get')).to.deep.equal([]);
    });
  }

  const sources: [system: string, release: string, isForeign: boolean][] = [
    ['Debian 12', 'ID=debian\nVERSION_ID="12"\n', true],
    ['Debian 13', 'ID=debian\nVERSION_ID="13"\n', false],
    ['Ubuntu 24.04', 'ID=ubuntu\nVERSION_ID="24.04"\n', true],
  ];
  for (const [system, release, isForeign] of sources) {
    it(`installs Node on ${system} when told to`, async () => {
      write('root/etc/os-release', release);
      write('node-version', 'v18.19.0\n');
      const { code, err } = await install(['--install-node']);
      expect(code, err).to.equal(0);
      expect(err).not.to.match(/nobody has tried/);
      expect(calls('apt-get').some((line) => line.includes('install -y nodejs'))).to.equal(true);
      expect(existsSync(at('root/etc/apt/sources.list.d/nodesource.list'))).to.equal(isForeign);
      if (isForeign) expect(read('root/etc/apt/keyrings/nodesource.asc')).to.equal('key\n');
    });
  }

  it('puts the agent’s sample, user and service in their places, and starts it once the sample is filled in', async () => {
    const first = await install(['--client']);
    expect(first.code, first.err).to.equal(0);
    const file = at('root', settings, 'client_config.yaml');
    const sample = readFileSync(join(packageRoot, 'deploy/client_config.yaml'), 'utf8');
    expect(first.err).to.match(/fill in \/etc\/proxmox-tracker\/client_config\.yaml, try it/);
    expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).to.deep.equal([sample, 0o600]);
    expect(calls('chown').at(-1)).to.match(/^chown proxmox-tracker:proxmox-tracker .*client_config\.yaml\.new$/);
    expect(calls('useradd')).to.have.length(1);
    expect(read('root/etc/systemd/system/proxmox-tracker-client.service')).to.equal(
      readFileSync(join(packageRoot, 'deploy/proxmox-tracker-client.service'), 'utf8'),
    );
    expect(existsSync(at('root', settings, 'config.yaml'))).to.equal(false);
    expect(calls('systemctl').at(-1)).to.equal('systemctl enable proxmox-tracker-client');
    // Also where the next version brings another sample.
    write('source/deploy/client_config.yaml', `${sample}# more\n`);
    await install(['--client']);
    expect(calls('systemctl').at(-1)).to.equal('systemctl enable proxmox-tracker-client');
    expect([readFileSync(file, 'utf8'), calls('useradd')]).to.deep.equal([sample, []]);
    writeFileSync(file, `${sample}# mine\n`);
    await install(['--client']);
    expect(calls('systemctl').at(-1)).to.equal('systemctl restart proxmox-tracker-client');
    expect(readFileSync(file, 'utf8')).to.equal(`${sample}# mine\n`);
  });

  it('refuses to install the service of an agent that this version does not have', async () => {
    program('node', 'case "$*" in *agent*) exit 2 ;; *) echo v22.11.0 ;; esac');
    const { code, err } = await install(['--client']);
    expect(code).to.equal(1);
    expect(err).to.match(/has no agent; nothing was changed/);
    expect(existsSync(at('root/opt/proxmox-tracker'))).to.equal(false);
  });

  it('goes on with a warning on a system that nobody has tried', async () => {
    write('root/etc/os-release', 'ID=arch\n');
    const { code, err } = await install();
    expect(code).to.equal(0);
    expect(err).to.match(/this is arch, on which nobody has tried it/);
  });

  it('wants root, and knows its options', async () => {
    const user = await install([], { STUB_UID: '1000' });
    expect(user.code).to.equal(1);
    expect(user.err).to.match(/must be run as root/);
    const wrong = await install(['--yes']);
    expect(wrong.code).to.equal(2);
    expect(wrong.err).to.match(/--yes is not a known option/);
    const { code, out } = await install(['--help']);
    expect(code).to.equal(0);
    for (const option of ['--client', '--install-node', '--no-start']) expect(out).to.contain(option);
  });

  it('runs the command as the user that owns the data, on its configuration unless another is named', async () => {
    program('runuser', '');
    program('node', '');
    const command = (args: string[], env: Record<string, string> = {}): Promise<string[]> => {
      write('calls', '');
      const options = { env: { PATH: `${at('bin')}:/usr/bin:/bin`, ...env } };
      return runScript(anyShell, join(packageRoot, 'deploy/proxmox-tracker'), args, options).then(() =>
        read('calls')
          .split('\n')
          .filter((line) => !/^id |^$/.test(line)),
      );
    };
    const js = '/opt/proxmox-tracker/bin/proxmox-tracker.js';
    const runs = 'runuser -u proxmox-tracker -- node';
    expect(await command(['test'])).to.deep.equal([`${runs} ${js} --config /etc/proxmox-tracker/config.yaml test`]);
    expect(await command(['test', '--config', 'x'])).to.deep.equal([`${runs} ${js} test --config x`]);
    expect(await command([])).to.deep.equal([`${runs} ${js}`]);
    expect(await command(['migrate', '--config=x'], { STUB_UID: '1000' })).to.deep.equal([
      `node ${js} migrate --config=x`,
    ]);
  });
});
