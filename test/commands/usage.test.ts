import { PassThrough, Writable } from 'node:stream';
import { expect } from 'chai';
import { run } from '../../src/cli.js';
import { systemClock } from '../../src/clock.js';
import { commands } from '../../src/commands/table.js';
import { packageVersion } from '../../src/package-root.js';
import { cli, tempFolder } from './running.js';

const pointer = 'proxmox-tracker --help lists commands and options.\n';

describe('the command line', () => {
  const folder = tempFolder();

  it('lists every command with --help', async () => {
    const { code, out } = await cli(['--help']);
    expect(code).to.equal(0);
    commands.forEach(({ name, summary }) => expect(out).to.include(`  ${name}`).and.include(summary));
  });

  it('shows usage and options of each command with --help', async () => {
    for (const { name } of commands) {
      const { code, out, err } = await cli([...name.split(' '), '--help']);
      expect([code, err], name).to.deep.equal([0, '']);
      expect(out).to.include(`Usage: proxmox-tracker ${name}`).and.include('--config FILE');
    }
    const { code, out } = await cli(['user', '--help']);
    expect(code).to.equal(0);
    expect(out).to.include('user add NAME').and.include('user passwd NAME');
  });

  it('tells its version', async () => {
    expect(await cli(['--version'])).to.deep.equal({ code: 0, out: `${packageVersion}\n`, err: '' });
  });

  it('shows its help on standard error without any command', async () => {
    const { code, out, err } = await cli([]);
    expect([code, out]).to.deep.equal([2, '']);
    expect(err).to.include('Commands:');
  });

  const wrong: [argv: string, sentence: string][] = [
    ['serv', '"serv" is not a command: did you mean serve?'],
    ['user', 'user needs one of add, passwd, list after it'],
    ['user ad bob', '"user ad" is not a command: did you mean user add?'],
    ['key frobnicate', 'key needs one of create, list, revoke after it'],
    ['xyzzy', '"xyzzy" is not a command'],
    ['--verbose serve', 'a command is missing: proxmox-tracker COMMAND [options]'],
    ['serve --confg x', '--confg is not a known option: did you mean --config?'],
    ['serve -x', '-x is not a known option'],
    ['serve --config', '--config needs a value: --config FILE'],
    ['serve --config --no-migrate', '--config needs a value: --config FILE'],
    ['serve --no-migrate=1', '--no-migrate takes no value'],
    ['serve now', 'serve does not know what to do with "now"'],
    ['user add', 'user add needs NAME after it'],
    ['user add bob --role boss', '--role is "boss": write admin or viewer'],
    ['key create k', 'key create needs --scope SCOPE: ingest, read, admin or enrol'],
    ['key create k --scope write', '--scope is "write": write ingest, read, admin or enrol'],
    [
      'key create k --scope read --expires soon',
      '--expires is "soon": write a date such as 2027-01-31, or a span such as 30d or 12h',
    ],
    [
      'key create k --scope read --expires 2027-02-30',
      '--expires is "2027-02-30": write a date such as 2027-01-31, or a span such as 30d or 12h',
    ],
    ['key create k --scope read --expires 2020-01-01', '--expires is "2020-01-01", which is over: write a later date'],
    ['key revoke mine', '"mine" is not the id of a key: "proxmox-tracker key list" shows them'],
    ['migrate --status --unlock', '--status and --unlock do not go together: choose one'],
    ['fingerprint a_b:1', '"a_b:1" is not a host: write an address or a name, such as 10.0.0.11 or pve-01:8006'],
    ['fingerprint pve:99999', 'the port is "99999": write a number from 1 to 65535'],
    ['cert --days 10', '--days is not a known option'],
    ['cert --name', '--name needs a value: --name NAME'],
    ['cert tracker.lan', 'cert does not know what to do with "tracker.lan"'],
    [
      'cert --name tracker.lan --name https://tracker.lan',
      '--name is "https://tracker.lan": write a host name or an address alone, such as tracker.lan or 10.0.0.5',
    ],
    [
      'cert --name 10.0.0.256',
      '--name is "10.0.0.256": write a host name or an address alone, such as tracker.lan or 10.0.0.5',
    ],
    ['simulate --port http', '--port is "http": write a number from 1 to 65535'],
    ['demo --port 70000', '--port is "70000": write a number from 0 to 65535'],
  ];
  for (const [argv, sentence] of wrong) {
    it(`answers wrong usage with exit code 2 and a sentence: ${argv}`, async () => {
      expect(await cli(argv.split(' '))).to.deep.equal({ code: 2, out: '', err: `${sentence}\n${pointer}` });
    });
  }

  it('answers a wrong configuration with exit code 2 and one sentence, whatever the command', async () => {
    folder.write('polling: { interval_seconds: 45 }');
    const asked = ['test', 'serve', 'once', 'migrate', 'user list', 'key list', 'user add bob'];
    for (const words of asked) {
      const { code, out, err } = await cli([...words.split(' '), '--config', folder.config]);
      expect([code, out], words).to.deep.equal([2, '']);
      expect(err).to.match(/^polling\.interval_seconds is 45: write [^\n]+\n$/);
    }
  });

  it('takes --config before the command, with and without "="', async () => {
    folder.write('nodes: 1');
    for (const argv of [
      ['--config', folder.config, 'test'],
      [`--config=${folder.config}`, 'test'],
    ]) {
      expect((await cli(argv)).err).to.match(/^nodes is 1: write/);
    }
  });

  it('names the file that is not there, and the way to make it', async () => {
    expect(await cli(['serve', '--config', `${folder.path}/none.yaml`])).to.deep.equal({
      code: 2,
      out: '',
      err: `${folder.path}/none.yaml is not there: run "proxmox-tracker init" to write it, or name another with --config\n`,
    });
  });

  it('is quiet when the reader of its output has gone', async () => {
    const gone = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const stderr = new PassThrough();
    const code = await run(['--help'], { stdin: new PassThrough(), stdout: gone, stderr, env: {}, clock: systemClock });
    expect([code, stderr.read()]).to.deep.equal([0, null]);
  });
});
