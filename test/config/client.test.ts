import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadClientConfig, type ClientConfig } from '../../src/config/client.js';
import { packageRoot } from '../../src/package-root.js';
import { cli } from '../commands/running.js';

const pin = 'ab'.repeat(32);
const secret = 'Zx9-never-show-this';

type Section = Record<string, unknown>;

/** A file that is right in everything but what `changes` says, section by section; a key that is undefined is left out. */
function text(changes: Record<string, unknown> = {}): string {
  const whole: Record<string, unknown> = {
    node: { name: 'push-01' },
    proxmox: { user: 'tracker@pve', token_name: 'tracker', token_value: secret, fingerprint: pin },
    manager: { url: 'https://tracker.example.org:8000', api_key: secret },
  };
  for (const [name, change] of Object.entries(changes)) {
    const isSection = typeof change === 'object' && change !== null && !Array.isArray(change);
    whole[name] = isSection ? { ...(whole[name] as Section | undefined), ...change } : change;
  }
  return JSON.stringify(whole);
}

const cases: [what: string, text: string, sentence: RegExp][] = [
  ['nothing', '', /^node is missing: write /],
  ['a list', '- a', /^the file is a list: write its keys below it/],
  ['a key that is misspelt', text({ managr: {} }), /^managr is not a known key: did you mean manager\?/],
  [
    'a key within a section that is misspelt',
    text({ manager: { api_keys: 'x' } }),
    /^manager\.api_keys is not a known key: did you mean api_key\?/,
  ],
  ['the manager’s list of nodes', text({ nodes: [] }), /^nodes is not a known key: did you mean node\?/],
  ['no name', text({ node: { name: undefined } }), /^node\.name is missing: write what you call the node/],
  ['a name with a slash', text({ node: { name: 'lab/pve' } }), /^node\.name is "lab\/pve": write a name without "\/"/],
  ['a name that is a number', text({ node: { name: 1 } }), /^node\.name is 1: write what you call the node/],
  ['no user', text({ proxmox: { user: undefined } }), /^proxmox\.user is missing: write the token's user/],
  ['a user without realm', text({ proxmox: { user: 'tracker' } }), /^proxmox\.user is "tracker", which has no realm/],
  [
    'a token name that holds its user',
    text({ proxmox: { token_name: 'tracker@pve!x' } }),
    /^proxmox\.token_name is .*: write only what follows "!": x/,
  ],
  [
    'an empty token',
    text({ proxmox: { token_value: '' } }),
    /^proxmox\.token_value is empty: put the API token of "push-01" there, or name a file/,
  ],
  [
    'a token pasted whole',
    text({ proxmox: { token_value: `PVEAPIToken=a@pve!b=${secret}` } }),
    /^proxmox\.token_value is not a token: write only its secret/,
  ],
  ['a token that is a number', text({ proxmox: { token_value: 12 } }), /^proxmox\.token_value is a number: write /],
  ['a token twice', text({ proxmox: { token_file: 'x' } }), /^proxmox has both token_value and token_file: keep one/],
  [
    'a host that is a URL',
    text({ proxmox: { host: 'https://10.0.0.1:8006' } }),
    /^proxmox\.host is "https:\/\/10\.0\.0\.1:8006": write 10\.0\.0\.1 alone, and 8006 as port/,
  ],
  ['a port beyond 65535', text({ proxmox: { port: 70_000 } }), /^proxmox\.port is 70000: write /],
  ['a time-out of zero', text({ proxmox: { timeout: 0 } }), /^proxmox\.timeout is 0: write /],
  [
    'no trust in the node',
    text({ proxmox: { fingerprint: undefined } }),
    /^proxmox does not say how to trust 127\.0\.0\.1: set fingerprint/,
  ],
  [
    'two trusts in the node',
    text({ proxmox: { verify_ssl: false } }),
    /^proxmox has both fingerprint and verify_ssl: keep the one/,
  ],
  [
    'a short fingerprint',
    text({ proxmox: { fingerprint: 'AB:CD' } }),
    /^proxmox\.fingerprint is not a SHA-256 fingerprint/,
  ],
  [
    'no address of the manager',
    text({ manager: { url: undefined } }),
    /^manager\.url is missing: write the manager's address/,
  ],
  [
    'an address without scheme',
    text({ manager: { url: 'tracker' } }),
    /^manager\.url is not an address: write it as https:\/\//,
  ],
  [
    'an address of another kind',
    text({ manager: { url: 'ftp://tracker' } }),
    /^manager\.url is not an address of the web/,
  ],
  [
    'an address with a password',
    text({ manager: { url: `https://me:${secret}@tracker` } }),
    /^manager\.url holds more than an address: leave out user, password/,
  ],
  [
    'a key with a blank',
    text({ manager: { api_key: `${secret} x` } }),
    /^manager\.api_key holds a blank or a sign that no header carries/,
  ],
  ['a key twice', text({ manager: { api_key_file: 'x' } }), /^manager has both api_key and api_key_file: keep one/],
  [
    'two trusts in the manager',
    text({ manager: { fingerprint: pin, verify_ssl: true } }),
    /^manager has both fingerprint and verify_ssl: keep the one/,
  ],
  [
    'a CA that is not there',
    text({ manager: { ca_file: 'ca.pem' } }),
    /^manager\.ca_file names .*ca\.pem, which is not there/,
  ],
  [
    'an interval of half a second',
    text({ polling: { interval_seconds: 0.5 } }),
    /^polling\.interval_seconds is 0\.5: write /,
  ],
  [
    'an interval in words',
    text({ polling: { interval_seconds: '10s' } }),
    /^polling\.interval_seconds is "10s": write /,
  ],
  [
    'nothing to track',
    text({ polling: { track_qemu: false, track_lxc: false } }),
    /^polling tracks nothing: set track_qemu or track_lxc to true/,
  ],
  ['yes for true', text({ polling: { track_qemu: 'yes' } }), /^polling\.track_qemu is "yes": write true or false/],
  ['an empty state_file', text({ state_file: '' }), /^state_file is empty: write the path/],
  [
    'one file for both',
    text({ state_file: 'a', outbox: { file: './a' } }),
    /^outbox\.file is the same as state_file: name another file/,
  ],
  ['an outbox without room', text({ outbox: { max_mib: 0 } }), /^outbox\.max_mib is 0: write /],
  ['a section that is text', text({ outbox: 'here' }), /^outbox is plain text: write its keys below it/],
  ['a level that is none', text({ logging: { level: 'loud' } }), /^logging\.level is "loud": write /],
  [
    'a variable that is not set',
    text({ manager: { api_key: '${NO_SUCH_KEY}' } }),
    /^manager\.api_key is empty: put the value there, or set NO_SUCH_KEY/,
  ],
];

describe('client_config.yaml', () => {
  let folder = '';
  const file = (): string => join(folder, 'client_config.yaml');
  const load = (written: string): ClientConfig => {
    writeFileSync(file(), written);
    return loadClientConfig(file(), {});
  };
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tracker-client-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  for (const [what, written, sentence] of cases) {
    it(`is refused with one sentence and exit code 2 for ${what}`, async () => {
      writeFileSync(file(), written);
      const { code, out, err } = await cli(['agent', '--test', '--config', file()]);
      expect([code, out], err).to.deep.equal([2, '']);
      expect(err).to.match(sentence);
      expect(err.trimEnd()).not.to.include('\n').and.not.include(secret);
    });
  }

  it('is refused with the place of a sample where it is not there', async () => {
    const { code, err } = await cli(['agent', '--once', '--config', file()]);
    expect(code).to.equal(2);
    expect(err).to.include(`${file()}, which is not there`).and.include('deploy/client_config.yaml is a sample');
  });

  it('is taken as it is shipped once its token is filled in', () => {
    const shipped = readFileSync(join(packageRoot, 'deploy/client_config.yaml'), 'utf8');
    expect(() => load(shipped)).to.throw('proxmox.token_value is empty');
    const config = load(shipped.replace('token_value: ""', `token_value: ${secret}`));
    expect(config.node).to.deep.include({ name: 'pve-01', host: '127.0.0.1', tokenValue: secret });
    expect(config.manager.trust).to.deep.equal({ kind: 'public_ca' });
    expect(config.outbox.file).to.equal('/var/lib/proxmox-tracker-client/state.json.outbox');
  });

  it('has defaults for all that the node, its token and its manager’s address do not say, which the sample shows', () => {
    const config = load(text());
    const shipped = load(
      readFileSync(join(packageRoot, 'deploy/client_config.yaml'), 'utf8').replace('token_value: ""', 'token_value: x'),
    );
    for (const key of [
      'intervalSeconds',
      'proxmoxTimeoutSeconds',
      'trackQemu',
      'trackLxc',
      'logging',
      'hostname',
    ] as const)
      expect(shipped[key], key).to.deep.equal(config[key]);
    expect(shipped.outbox.maxBytes).to.equal(config.outbox.maxBytes);
    expect(config.stateFile).to.equal(join(folder, 'agent-state.json'));
  });
});
