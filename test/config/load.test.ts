import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import type { Config } from '../../src/config/config.js';
import { loadConfig, parseConfig } from '../../src/config/load.js';
import { packageRoot } from '../../src/package-root.js';

const pin = 'AB'.repeat(32);
const pinned = pin.replace(/(..)(?!$)/g, '$1:');

const parse = (values: unknown, env: NodeJS.ProcessEnv = {}, file = '/srv/tracker/config.yaml'): Config =>
  parseConfig(JSON.stringify(values), { file, env });

const entry = {
  name: 'pve-01',
  host: '10.0.0.11',
  user: 'tracker@pve',
  token_name: 'tracker',
  token_value: '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed',
  fingerprint: pin,
};

const defaults: Config = {
  file: '/srv/tracker/config.yaml',
  database: { type: 'sqlite', file: '/srv/tracker/data/tracker.sqlite' },
  server: {
    host: '0.0.0.0',
    port: 8000,
    publicUrl: null,
    trustProxy: false,
    tls: { cert: null, key: null },
    redirectHttpPort: null,
  },
  security: {
    apiKey: '',
    apiKeyScopes: ['ingest'],
    adminApiKey: '',
    trustedIps: [],
    secretKeyFile: '/srv/tracker/data/secret.key',
  },
  polling: { intervalSeconds: 30, timeoutSeconds: 10, trackQemu: true, trackLxc: true, backfill: true },
  nodes: [],
  billing: { timeZone: 'UTC', currency: 'EUR', issuer: '', closeOnDay: null },
  retention: { pollsDays: 90, auditDays: 730 },
  mail: { smtpUrl: null, from: null },
  webhook: { url: null, secret: null },
  logging: { level: 'info', format: 'text', file: '' },
};

describe('the configuration', () => {
  it('has a default for every key but those of a node', () => {
    expect(parse({})).to.deep.equal(defaults);
  });

  it('has the same defaults for an empty file, empty sections and the shipped file', () => {
    const file = '/srv/tracker/config.yaml';
    const sections = 'database:\nserver:\n  tls:\nsecurity:\npolling:\nnodes:\nmail:\nlogging:\n';
    expect(parseConfig('', { file, env: {} })).to.deep.equal(defaults);
    expect(parseConfig(sections, { file, env: {} })).to.deep.equal(defaults);
    const shipped = readFileSync(join(packageRoot, 'config.yaml'), 'utf8');
    expect(parseConfig(shipped, { file, env: {} })).to.deep.equal(defaults);
  });

  it('takes the MySQL block of the shipped file once it is put in', () => {
    const shipped = readFileSync(join(packageRoot, 'config.yaml'), 'utf8');
    const block = /# database:\n(?:# {3}.*\n)+/.exec(shipped)?.[0].replace(/^# /gm, '') ?? '';
    const { database } = parseConfig(block, { file: 'c.yaml', env: { TRACKER_DB_PASSWORD: 'p w' } });
    const mysql = { type: 'mysql', host: '127.0.0.1', port: 3306, user: 'tracker', database: 'tracker', poolSize: 10 };
    expect(database).to.deep.equal({ ...mysql, password: 'p w' });
  });

  it('takes the example node of the shipped file once its fingerprint is real', () => {
    const shipped = readFileSync(join(packageRoot, 'config.yaml'), 'utf8');
    const block = /# nodes:\n(?:# {3}.*\n)+/.exec(shipped)?.[0].replace(/^# /gm, '').replace('AB:CD:...', pin) ?? '';
    const [node] = parseConfig(block, { file: 'c.yaml', env: { PVE01_TOKEN: entry.token_value } }).nodes;
    expect(node).to.deep.include({ name: 'pve-01', tokenValue: entry.token_value, scope: 'cluster' });
  });

  it('fills in what a node leaves out', () => {
    expect(parse({ nodes: [entry] }).nodes).to.deep.equal([
      {
        name: 'pve-01',
        host: '10.0.0.11',
        port: 8006,
        user: 'tracker@pve',
        tokenName: 'tracker',
        tokenValue: entry.token_value,
        trust: { kind: 'fingerprint', sha256: pinned },
        scope: 'cluster',
        journal: false,
        agentNames: [],
      },
    ]);
  });

  it('is frozen to its depths', () => {
    const config = parse({ nodes: [entry] });
    expect(() => Object.assign(config.server, { port: 1 })).to.throw(TypeError);
    expect(() => Object.assign(config.nodes[0] ?? {}, { port: 1 })).to.throw(TypeError);
    expect(() => config.security.apiKeyScopes.push('admin')).to.throw(TypeError);
  });

  it('does not let one reading change the defaults of the next', () => {
    parse({ security: { api_key_scopes: ['read'] }, server: { tls: { cert: 'a', key: 'b' } } });
    expect(parse({})).to.deep.equal(defaults);
  });

  it('takes paths from the folder of the file, and leaves absolute ones', () => {
    const config = parse({
      database: { file: 'db/t.sqlite' },
      server: { tls: { cert: '/etc/ssl/a.pem', key: 'a.key' } },
      logging: { file: 'log/t.log' },
    });
    expect(config.database).to.deep.equal({ type: 'sqlite', file: '/srv/tracker/db/t.sqlite' });
    expect(config.server.tls).to.deep.equal({ cert: '/etc/ssl/a.pem', key: '/srv/tracker/a.key' });
    expect(config.logging.file).to.equal('/srv/tracker/log/t.log');
    expect(parse({}, {}, 'here.yaml').file).to.equal(resolve('here.yaml'));
  });

  it('takes every interval that a cron line can say evenly', () => {
    for (const seconds of [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 120, 300, 900, 1800, 3600]) {
      expect(parse({ polling: { interval_seconds: seconds } }).polling.intervalSeconds).to.equal(seconds);
    }
  });

  it('takes IPv6 addresses, host names and trusted networks', () => {
    const hosts = ['fd00::11', 'pve-02.example.org'].map((host, index) => ({ ...entry, host, name: `n${index}` }));
    expect(parse({ nodes: hosts }).nodes.map(({ host }) => host)).to.deep.equal(['fd00::11', 'pve-02.example.org']);
    const trusted = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8'];
    expect(parse({ security: { trusted_ips: trusted } }).security.trustedIps).to.deep.equal(trusted);
  });
});

describe('how a node is trusted', () => {
  const trustOf = (change: Record<string, unknown>): unknown =>
    parse({ nodes: [{ ...entry, fingerprint: undefined, ...change }] }).nodes[0]?.trust;

  it('is its fingerprint, however that is written', () => {
    const written = [pin, pin.toLowerCase(), pinned, ` ${pinned.toLowerCase()} `, `sha256:${pin}`, `SHA256 ${pinned}`];
    for (const fingerprint of written) {
      expect(trustOf({ fingerprint }), fingerprint).to.deep.equal({ kind: 'fingerprint', sha256: pinned });
    }
  });

  it('is a public CA or nothing at all where verify_ssl says so', () => {
    expect(trustOf({ verify_ssl: true })).to.deep.equal({ kind: 'public_ca' });
    expect(trustOf({ verify_ssl: false })).to.deep.equal({ kind: 'unverified' });
  });
});

describe('the environment', () => {
  it('stands in for text, numbers and booleans, with a default where it is not set or empty', () => {
    const config = parse(
      {
        server: {
          host: '${HOST}',
          port: '${PORT}',
          trust_proxy: '${PROXY:-true}',
          public_url: 'https://${HOST}:${PORT}/',
        },
        security: { api_key: '${EMPTY:-k}', admin_api_key: '${UNSET:-}' },
      },
      { HOST: 'tracker', PORT: '8443', EMPTY: '' },
    );
    expect(config.server).to.deep.include({ host: 'tracker', port: 8443, trustProxy: true });
    expect(config.server.publicUrl).to.equal('https://tracker:8443');
    expect(config.security).to.deep.include({ apiKey: 'k', adminApiKey: '' });
  });

  it('leaves a secret of digits as text', () => {
    expect(parse({ security: { api_key: '${KEY}' } }, { KEY: '0123' }).security.apiKey).to.equal('0123');
  });

  it('is not looked into for what it holds itself, nor for $${', () => {
    const config = parse(
      { security: { api_key: '${KEY}', admin_api_key: 'a$${HOME}$' } },
      { KEY: '${HOME}', HOME: '/' },
    );
    expect(config.security).to.deep.include({ apiKey: '${HOME}', adminApiKey: 'a${HOME}$' });
  });
});

describe('a secret in a file', () => {
  let folder = '';
  before(() => (folder = mkdtempSync(join(tmpdir(), 'tracker-config-'))));
  after(() => rmSync(folder, { recursive: true }));

  it('is read from beside the configuration, without its line end', () => {
    writeFileSync(join(folder, 'a'), 'secret-a\n');
    writeFileSync(join(folder, 'b'), 'secret-b\r\n');
    const { token_value: _value, ...rest } = entry;
    const values = {
      database: { type: 'mysql', host: 'db', user: 'u', database: 'd', password_file: join(folder, 'b') },
      security: { api_key_file: 'a', admin_api_key_file: 'b' },
      webhook: { url: 'https://example.org/', secret_file: 'a' },
      nodes: [{ ...rest, token_file: '${WHERE}/a' }],
    };
    writeFileSync(join(folder, 'config.yaml'), JSON.stringify(values));
    const config = loadConfig(join(folder, 'config.yaml'), { WHERE: folder });
    expect(config.database).to.deep.include({ password: 'secret-b' });
    expect(config.security).to.deep.include({ apiKey: 'secret-a', adminApiKey: 'secret-b' });
    expect(config.webhook.secret).to.equal('secret-a');
    expect(config.nodes[0]?.tokenValue).to.equal('secret-a');
  });
});
