import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseConfig } from '../../src/config/load.js';
import { packageRoot } from '../../src/package-root.js';
import { createAuthority } from '../proxmox/certificates.js';
import { missingProgram, shells } from './shells.js';
import { stubNode, type StubNode } from './stub-node.js';

const uuid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const [anyShell = ['/bin/sh']] = shells;

describe('relay.sh', function () {
  this.timeout(60_000);

  it('is clean in the eyes of shellcheck', function () {
    const missing = missingProgram('/usr/bin/shellcheck', 'shellcheck');
    if (missing !== null) {
      process.stdout.write(`      skipped: ${missing}\n`);
      this.skip();
    }
    const script = join(packageRoot, 'deploy/relay.sh');
    execFileSync('/usr/bin/shellcheck', ['--shell=sh', script], { stdio: 'pipe' });
  });

  for (const shell of shells) {
    describe(`in ${shell.join(' ')}`, () => making(shell));
  }
  describe('asked for something else', () => otherwise(anyShell));
});

function making(shell: string[]): void {
  let node: StubNode;
  before(async () => (node = await stubNode()));
  after(() => node.remove());

  it('makes role, user, token and permissions, and prints the entry and nothing else', async () => {
    const { code, out, err } = await node.relay(shell, []);
    expect({ code, err }).to.deep.equal({ code: 0, err: '' });
    expect(node.changes()).to.deep.equal([
      'role add TrackerRead --privs Pool.Audit,Sys.Audit,VM.Audit',
      'user add tracker@pve --comment proxmox-tracker: reads when guests run',
      'acl modify / --users tracker@pve --roles TrackerRead',
      'user token add tracker@pve tracker --privsep 1 --expire 0 --output-format json',
      'acl modify / --tokens tracker@pve!tracker --roles TrackerRead',
    ]);
    const { value } = node.state().tokens['tracker@pve!tracker'] ?? { value: '' };
    const [entry] = parseConfig(out, { file: 'config.yaml', env: {} }).nodes;
    expect(entry).to.deep.include({
      name: 'pve-01',
      host: '10.0.0.11',
      port: 8006,
      user: 'tracker@pve',
      journal: false,
    });
    expect(entry).to.deep.include({ tokenName: 'tracker', tokenValue: value });
    expect(entry?.trust).to.deep.equal({ kind: 'fingerprint', sha256: node.leaf.sha256 });
    const comments = out.split('\n').filter((line) => line.startsWith('# '));
    const pem = comments.map((line) => line.slice(2)).join('\n');
    expect(pem.slice(pem.indexOf('-----')).trim()).to.equal(node.caPem.trim());
  });

  it('changes nothing at a second run, and prints the entry less the value', async () => {
    const { code, out, err } = await node.relay(shell, []);
    expect(code).to.equal(0);
    expect(node.changes()).to.deep.equal([]);
    expect(out).to.not.match(uuid);
    expect(out).to.match(/^ {4}# token_value: .*--rotate/m);
    expect(err).to.match(/there already.*--rotate/);
    expect(out).to.contain(`fingerprint: '${node.leaf.sha256}'`);
  });

  it('replaces the token, which is granted anew', async () => {
    const before = node.state().tokens['tracker@pve!tracker']?.value;
    const { code, out } = await node.relay(shell, ['--rotate']);
    expect(code).to.equal(0);
    expect(node.changes()).to.deep.equal([
      'user token remove tracker@pve tracker',
      'user token add tracker@pve tracker --privsep 1 --expire 0 --output-format json',
      'acl modify / --tokens tracker@pve!tracker --roles TrackerRead',
    ]);
    const after = node.state().tokens['tracker@pve!tracker']?.value ?? '';
    expect(after).to.not.equal(before);
    expect(out).to.contain(`token_value: '${after}'`);
  });

  it('adds the journal to what is there, and keeps it at a run without it', async () => {
    const added = await node.relay(shell, ['--journal']);
    expect(added.code).to.equal(0);
    expect(node.changes()).to.deep.equal(['role modify TrackerRead --privs Pool.Audit,Sys.Audit,Sys.Syslog,VM.Audit']);
    expect(added.out).to.contain('\n    journal: true\n');
    const again = await node.relay(shell, []);
    expect(node.changes()).to.deep.equal([]);
    expect(again.out).to.contain('\n    journal: true\n');
  });

  it('takes everything away, and has nothing to do at a second time', async () => {
    expect((await node.relay(shell, ['--remove'])).code).to.equal(0);
    const { roles, users, tokens, acls } = node.state();
    expect({ roles: Object.keys(roles), users: Object.keys(users), tokens, acls }).to.deep.equal({
      roles: ['PVEAuditor'],
      users: ['root@pam'],
      tokens: {},
      acls: [],
    });
    node.calls();
    const { code, out, err } = await node.relay(shell, ['--remove']);
    expect({ code, out, err }).to.deep.equal({ code: 0, out: '', err: 'relay.sh: there was nothing to remove\n' });
    expect(node.changes()).to.deep.equal([]);
  });

  it('leaves no file behind and shows its token to no list of processes', () => {
    expect(readdirSync(join(node.folder, 'tmp'))).to.deep.equal([]);
    expect(node.argumentLists()).to.match(/^openssl x509/m);
    expect(node.argumentLists()).to.not.match(uuid);
  });
}

function otherwise(shell: string[]): void {
  let node: StubNode;
  beforeEach(async () => (node = await stubNode()));
  afterEach(() => node.remove());

  const wrong: [args: string[], sentence: RegExp][] = [
    [['--rotat'], /--rotat is not a known option/],
    [['pve-01'], /pve-01 is not a known option/],
    [['--name'], /--name needs a value/],
    [['--name='], /--name needs a value/],
    [['--name', "a' b"], /--name may hold/],
    [['--host', '10.0.0.1/24'], /--host is an address/],
    [['--remove', '--rotate'], /exclude each other/],
    [['--remove', '--journal'], /no other option/],
    [['--key-file', 'key'], /belong to --register/],
    [['--register', 'https://m'], /needs --key-file/],
    [['--register', 'https://m', '--key-file', 'key'], /needs --fingerprint/],
    [['--register', 'https://m', '--key-file', 'key', '--fingerprint', 'AB:CD'], /64 hexadecimal digits/],
    [['--register', 'http://m', '--key-file', 'key', '--fingerprint', 'A'.repeat(64)], /begins with https/],
    [['--register', 'https://u@m', '--key-file', 'key', '--fingerprint', 'A'.repeat(64)], /is not an address/],
    [['--register', 'https://m:x', '--key-file', 'key', '--fingerprint', 'A'.repeat(64)], /no port that is a number/],
  ];
  for (const [args, sentence] of wrong) {
    it(`ends with 2 and asks nothing of Proxmox for: ${args.join(' ')}`, async () => {
      const { code, out, err } = await node.relay(shell, args);
      expect({ code, out }).to.deep.equal({ code: 2, out: '' });
      expect(err).to.match(sentence);
      expect(node.calls()).to.deep.equal([]);
    });
  }

  it('explains itself', async () => {
    const { code, out, err } = await node.relay(shell, ['--help']);
    expect({ code, err }).to.deep.equal({ code: 0, err: '' });
    for (const option of ['--journal', '--rotate', '--remove', '--register', '--key-file', '--fingerprint'])
      expect(out).to.contain(option);
  });

  it('adopts what was made by hand, and separates a token that was not', async () => {
    await node.relay(shell, []);
    const state = node.state();
    const token = state.tokens['tracker@pve!tracker'];
    if (token !== undefined) token.privsep = 0;
    state.roles['TrackerRead'] = { privs: 'Sys.Audit,VM.Audit,VM.PowerMgmt' };
    state.acls = state.acls.filter(({ type }) => type === 'user');
    node.write(state);
    node.calls();
    const { code, err } = await node.relay(shell, []);
    expect(code).to.equal(0);
    expect(err).to.match(/held Sys\.Audit VM\.Audit VM\.PowerMgmt: it now has/);
    expect(node.changes()).to.deep.equal([
      'role modify TrackerRead --privs Pool.Audit,Sys.Audit,VM.Audit',
      'user token modify tracker@pve tracker --privsep 1',
      'acl modify / --tokens tracker@pve!tracker --roles TrackerRead',
    ]);
  });

  it('does not wake a user that somebody disabled', async () => {
    await node.relay(shell, []);
    const state = node.state();
    state.users['tracker@pve'] = { enable: 0 };
    node.write(state);
    node.calls();
    const { code, out, err } = await node.relay(shell, ['--rotate']);
    expect({ code, out }).to.deep.equal({ code: 1, out: '' });
    expect(err).to.match(/is disabled: pveum user modify tracker@pve --enable 1/);
    expect(node.changes()).to.deep.equal([]);
  });

  it('keeps user and role where somebody else relies on them', async () => {
    await node.relay(shell, []);
    const state = node.state();
    state.tokens['tracker@pve!other'] = { value: 'x', privsep: 1 };
    node.write(state);
    const { code, err } = await node.relay(shell, ['--remove']);
    expect(code).to.equal(0);
    expect(err)
      .to.match(/user tracker@pve stays: it has 1 more/)
      .and.match(/role TrackerRead stays/);
    expect(Object.keys(node.state().tokens)).to.deep.equal(['tracker@pve!other']);
  });

  it('takes the token back when its permission cannot be set, and goes on at the next run', async () => {
    const failed = await node.relay(shell, [], { PVEUM_FAULT: 'acl modify / --tokens' });
    expect({ code: failed.code, out: failed.out }).to.deep.equal({ code: 1, out: '' });
    expect(failed.err).to.match(/no quorum!\n.*pveum acl modify .* failed.*\n.*taken back/);
    expect(node.state().tokens).to.deep.equal({});
    node.calls();
    const { code, out } = await node.relay(shell, []);
    expect(code).to.equal(0);
    expect(out).to.match(uuid);
    expect(node.changes()).to.deep.equal([
      'user token add tracker@pve tracker --privsep 1 --expire 0 --output-format json',
      'acl modify / --tokens tracker@pve!tracker --roles TrackerRead',
    ]);
  });

  it("prints a certificate of the node's own, and no CA that did not issue it", async () => {
    const own = await (
      await createAuthority('Public CA')
    ).issue({ commonName: 'pve.example.org', dns: ['pve.example.org'] });
    writeFileSync(join(node.folder, 'pve/local/pveproxy-ssl.pem'), own.cert);
    writeFileSync(join(node.folder, 'pve/local/pveproxy-ssl.key'), own.key);
    const { out } = await node.relay(shell, []);
    expect(out).to.contain(`fingerprint: '${own.sha256}'`);
    expect(out).to.not.contain('BEGIN CERTIFICATE');
  });

  const elsewhere: [what: string, env: Record<string, string>, sentence: RegExp][] = [
    ['another user than root', { STUB_UID: '1000' }, /must be run as root/],
    ['Proxmox VE 6', { PVE_VERSION: '6.4-15' }, /is Proxmox VE 6: version 7/],
    ['a name that leads to the loopback', { STUB_ADDRESS: '127.0.1.1' }, /give it with --host/],
    ['no quorum', { PVEUM_FAULT: 'role add' }, /no quorum!\n.*pveum role add .* failed/],
    ['a list that fails', { PVEUM_FAULT: 'user list' }, /no quorum!\n.*pveum user list failed/],
  ];
  for (const [what, env, sentence] of elsewhere) {
    it(`ends with 1 and a sentence for ${what}`, async () => {
      const { code, out, err } = await node.relay(shell, [], env);
      expect({ code, out }).to.deep.equal({ code: 1, out: '' });
      expect(err).to.match(sentence);
    });
  }

  it('ends with 1 where there is no Proxmox VE', async () => {
    rmSync(join(node.folder, 'bin/pveum'));
    const { code, err } = await node.relay(shell, []);
    expect(code).to.equal(1);
    expect(err).to.match(/pveum is not here: run this on a Proxmox VE node/);
  });
}
