import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError, loadConfig, parseConfig } from '../../src/config/load.js';

const pin = 'ab'.repeat(32);
const secret = 'Zx9-never-show-this';

/** A node that is right in everything but what `change` says. */
function node(change: Record<string, unknown> = {}, remove: string[] = []): Record<string, unknown> {
  const entry: Record<string, unknown> = {
    name: 'pve-01',
    host: '10.0.0.11',
    user: 'tracker@pve',
    token_name: 'tracker',
    token_value: secret,
    fingerprint: pin,
    ...change,
  };
  remove.forEach((key) => delete entry[key]);
  return entry;
}

const second = (change: Record<string, unknown> = {}): Record<string, unknown> =>
  node({ name: 'pve-02', host: '10.0.0.12', ...change });

const nodes = (...entries: unknown[]): string => JSON.stringify({ nodes: entries });

// JSON is YAML: values that need care are written as JSON, faults of YAML itself as text.
const cases: [what: string, text: string, sentence: string][] = [
  ['a list instead of sections', '- a', 'the file is a list: write its keys below it, one a line, as "key: value"'],
  ['plain text', 'hello', 'the file is plain text: write its keys below it, one a line, as "key: value"'],
  ['a tab', 'server:\n\tport: 1', 'c.yaml line 2 is indented with a tab: use blanks'],
  [
    'uneven indents',
    'server:\n    port: 1\n  host: x',
    'c.yaml line 3 is indented unlike its neighbours or follows an open bracket: give keys of one section the same blanks, close brackets',
  ],
  [
    'a key twice',
    'server: {}\nserver: {}',
    'c.yaml line 2 names a key that its section already has: keep one of the two',
  ],
  [
    'an open bracket',
    'nodes: [',
    'c.yaml line 1 is indented unlike its neighbours or follows an open bracket: give keys of one section the same blanks, close brackets',
  ],
  [
    'an open quote',
    `security:\n  api_key: "${secret}`,
    'c.yaml line 2 misses a sign: look for a quote, bracket or brace that is not closed, or a ":" without a blank after it',
  ],
  [
    'a backslash',
    'database: { file: "C:\\data" }',
    'c.yaml line 1 has a backslash within double quotes: use single quotes, or write the backslash twice',
  ],
  [
    'two documents',
    'server: {}\n---\nserver: {}',
    'c.yaml line 2 begins a second document with "---": keep one in the file',
  ],
  [
    'a value that begins with *',
    `security:\n  api_key: *${secret}`,
    'c.yaml has a value that begins with "*" and refers to nothing, or to too much: put it in quotes',
  ],
  [
    'a value that begins with @',
    `security:\n  api_key: @${secret}`,
    'c.yaml line 2 has a value that begins with a special sign: put it in quotes',
  ],
  ['a misspelt section', 'sever: {}', 'sever is not a known key: did you mean server?'],
  [
    'a misspelt key',
    'polling: { interval_second: 5 }',
    'polling.interval_second is not a known key: did you mean interval_seconds?',
  ],
  [
    'a key in camel case',
    nodes(node({ tokenValue: secret }, ['token_value'])),
    'nodes[0].tokenValue is not a known key: did you mean token_value?',
  ],
  [
    'a foreign key',
    'logging: { colour: red }',
    'logging.colour is not a known key: the keys there are level, format, file',
  ],
  ['__proto__', '{"server": {"__proto__": {"port": 1}}}', 'server.__proto__ is not a known key: did you mean port?'],
  [
    'a section that is a value',
    'server: 8000',
    'server is a number: write its keys below it, one a line, as "key: value"',
  ],
  [
    'a list that is a section',
    'nodes: { name: pve-01 }',
    'nodes is a section: write a list of nodes, each beginning with "- name:", or []',
  ],
  [
    'a node that is text',
    nodes('pve-01'),
    'nodes[0] is plain text: write its keys below it, one a line, as "key: value"',
  ],
  ['a port that is text', 'server: { port: "http" }', 'server.port is "http": write a port number from 0 to 65535'],
  ['a port too high', nodes(node({ port: 80060 })), 'nodes[0].port is 80060: write a port number from 1 to 65535'],
  ['half a port', 'server: { port: 80.5 }', 'server.port is 80.5: write a port number from 0 to 65535'],
  [
    'an empty value',
    'server:\n  host:',
    'server.host is empty: write an address to listen on, such as 0.0.0.0 or 127.0.0.1',
  ],
  ['yes for true', 'polling: { backfill: yes }', 'polling.backfill is "yes": write true or false'],
  [
    'a level that is none',
    'logging: { level: verbose }',
    'logging.level is "verbose": write error, warn, info or debug',
  ],
  ['a key that is a number', 'security: { api_key: 12345678 }', 'security.api_key is a number: write it in quotes'],
  [
    'a scope that is none',
    'security: { api_key_scopes: [write] }',
    'security.api_key_scopes[0] is "write": write ingest, read or admin',
  ],
  [
    'a key that no header carries',
    `security: { api_key: "${secret} x" }`,
    'security.api_key holds a blank or a sign that no header carries: write letters, digits, - and _',
  ],
  [
    'one key for both doors',
    `security: { api_key: ${secret}, admin_api_key: ${secret} }`,
    'security.admin_api_key is the same as security.api_key: give each its own, or every agent is an admin',
  ],
  [
    'a network that is none',
    'security: { trusted_ips: [10.0.0.0/33] }',
    'security.trusted_ips[0] is "10.0.0.0/33": write an address or a network, such as 10.0.0.5 or 10.0.0.0/8',
  ],
  [
    'an interval that is uneven',
    'polling: { interval_seconds: 45 }',
    'polling.interval_seconds is 45: write a divisor of 60, or whole minutes that divide an hour; the nearest is 30',
  ],
  [
    'an interval of seven minutes',
    'polling: { interval_seconds: 420 }',
    'polling.interval_seconds is 420: write a divisor of 60, or whole minutes that divide an hour; the nearest is 360',
  ],
  [
    'an interval of nothing',
    'polling: { interval_seconds: 0 }',
    'polling.interval_seconds is 0: write a whole number from 1 to 3600',
  ],
  [
    'nothing to track',
    'polling: { track_qemu: false, track_lxc: false }',
    'polling tracks nothing: set track_qemu or track_lxc to true',
  ],
  [
    'a certificate without key',
    'server: { tls: { cert: a.pem } }',
    'server.tls.key is missing beside server.tls.cert: set both, or neither',
  ],
  [
    'a key without certificate',
    'server: { tls: { key: a.pem } }',
    'server.tls.cert is missing beside server.tls.key: set both, or neither',
  ],
  [
    'a redirect without TLS',
    'server: { redirect_http_port: 80 }',
    'server.redirect_http_port needs server.tls: set tls.cert and tls.key, or take it out',
  ],
  [
    'a public address without scheme',
    'server: { public_url: tracker.example.org }',
    'server.public_url is not an address: begin it with https:// or http://',
  ],
  ['a database of another kind', 'database: { type: postgres }', 'database.type is "postgres": write sqlite or mysql'],
  [
    'a host for SQLite',
    'database: { host: db }',
    'database.host belongs to type mysql: set type: mysql, or take host out',
  ],
  [
    'a file for MySQL',
    'database: { type: mysql, file: a.sqlite }',
    'database.file belongs to type sqlite: set type: sqlite, or take file out',
  ],
  [
    'MySQL without host',
    'database: { type: mysql }',
    'database.host is missing, and type mysql needs it: write the name or address of the database server',
  ],
  [
    'MySQL without database',
    'database: { type: mysql, host: db, user: u }',
    'database.database is missing, and type mysql needs it: write the name of the database',
  ],
  [
    'a node without name',
    nodes(node({}, ['name'])),
    'nodes[0].name is missing: write what you call the node, such as pve-01',
  ],
  [
    'a node without host',
    nodes(node(), second({ host: undefined })),
    "nodes[1].host is missing: write the node's address or host name",
  ],
  [
    'a name with a slash',
    nodes(node({ name: 'lab/pve-01' })),
    'nodes[0].name is "lab/pve-01": write a name without "/" and without blanks at its ends',
  ],
  [
    'a host with scheme and port',
    nodes(node({ host: 'https://10.0.0.11:8006/' })),
    'nodes[0].host is "https://10.0.0.11:8006/": write 10.0.0.11 alone, and 8006 as port',
  ],
  [
    'a host that is none',
    nodes(node({ host: 'pve 01' })),
    'nodes[0].host is "pve 01": write an address or a host name alone',
  ],
  [
    'a user without realm',
    nodes(node({ user: 'root' })),
    'nodes[0].user is "root", which has no realm: write root@pve or root@pam',
  ],
  [
    'a user with the token',
    nodes(node({ user: 'tracker@pve!tracker' })),
    'nodes[0].user is "tracker@pve!tracker": write tracker@pve, and what follows "!" as token_name',
  ],
  [
    'a token name with the user',
    nodes(node({ token_name: 'tracker@pve!t1' })),
    'nodes[0].token_name is "tracker@pve!t1": write only what follows "!": t1',
  ],
  [
    'an empty token',
    nodes(node(), second({ token_value: '' })),
    'nodes[1].token_value is empty: put the API token of "pve-02" there, or name a file that holds it in token_file',
  ],
  [
    'a token from a variable that is not set',
    nodes(node(), second({ token_value: '${PVE2_TOKEN}' })),
    'nodes[1].token_value is empty: put the API token of "pve-02" there, or set PVE2_TOKEN',
  ],
  [
    'a token pasted with its name',
    nodes(node({ token_value: `tracker@pve!tracker=${secret}` })),
    'nodes[0].token_value is not a token: write only its secret, without the token\'s name, blanks or "="',
  ],
  ['a token twice', nodes(node({ token_file: 'x' })), 'nodes[0] has both token_value and token_file: keep one of them'],
  [
    'a password from a variable that is not set',
    'database: { type: mysql, password: "${DB_PASSWORD}" }',
    'database.password is empty: put the value there, or set DB_PASSWORD',
  ],
  [
    'a reference that names nothing',
    `security: { api_key: "${secret}\${" }`,
    'security.api_key holds "${" but names no variable: write ${NAME} or ${NAME:-default}, or $${ for a plain "${"',
  ],
  [
    'a fingerprint cut short',
    nodes(node({ fingerprint: 'AB:CD' })),
    'nodes[0].fingerprint is not a SHA-256 fingerprint: write 64 hexadecimal digits in quotes, with or without colons',
  ],
  [
    'a SHA-1 fingerprint',
    nodes(node({ fingerprint: 'ab:'.repeat(19) + 'ab' })),
    'nodes[0].fingerprint is a SHA-1 fingerprint: write the SHA-256 one, as "proxmox-tracker fingerprint" prints it',
  ],
  [
    'no trust at all',
    nodes(node({}, ['fingerprint'])),
    'nodes[0] does not say how to trust 10.0.0.11: set fingerprint to what "proxmox-tracker fingerprint 10.0.0.11:8006" prints, or set ca_file or verify_ssl',
  ],
  [
    'two kinds of trust',
    nodes(node({ verify_ssl: false })),
    'nodes[0] has both fingerprint and verify_ssl: keep the one by which to trust it',
  ],
  [
    'a name twice',
    nodes(node(), second({ name: 'PVE-01' })),
    'nodes[1].name is "PVE-01", as is nodes[0].name: give each node its own name',
  ],
  [
    'an address twice',
    nodes(node(), second({ host: '10.0.0.11' })),
    'nodes[1] is 10.0.0.11:8006, as is nodes[0]: take one of the two out',
  ],
  [
    'an agent at two nodes',
    nodes(node({ agent_names: ['a1'] }), second({ agent_names: ['A1'] })),
    'nodes[1].agent_names holds "A1", which is nodes[0] already: keep it at one node',
  ],
  [
    'a zone that is none',
    'billing: { time_zone: Mars/Base }',
    'billing.time_zone is "Mars/Base": write a time zone such as UTC or Europe/Vienna',
  ],
  [
    'an offset for a zone',
    'billing: { time_zone: "+02:00" }',
    'billing.time_zone is "+02:00": write a zone\'s name, such as Europe/Vienna, so that summer time is known',
  ],
  ['a currency in small letters', 'billing: { currency: eur }', 'billing.currency is "eur": write EUR'],
  [
    'a currency that is none',
    'billing: { currency: QQQ }',
    'billing.currency is "QQQ": write three letters of ISO 4217, such as EUR',
  ],
  [
    'the 31st',
    'billing: { close_on_day: 31 }',
    'billing.close_on_day is 31: write a day of the month from 1 to 28, or null',
  ],
  ['nothing kept', 'retention: { polls_days: 0 }', 'retention.polls_days is 0: write a whole number from 1 to 3650'],
  [
    'mail to the web',
    `mail: { smtp_url: "https://u:${secret}@mail", from: a@b }`,
    'mail.smtp_url is not an address: begin it with smtps:// or smtp://',
  ],
  [
    'mail from nobody',
    `mail: { smtp_url: "smtps://u:${secret}@mail" }`,
    'mail.from is missing beside mail.smtp_url: write the sender',
  ],
  [
    'a webhook that is none',
    `webhook: { url: "ftp://u:${secret}@x" }`,
    'webhook.url is not an address: begin it with https:// or http://',
  ],
];

describe('a malformed configuration', () => {
  for (const [what, text, sentence] of cases) {
    it(`is answered with one sentence: ${what}`, () => {
      expect(sentenceOf(() => parseConfig(text, { file: 'c.yaml', env: {} }))).to.equal(sentence);
    });
  }

  it('never shows a secret in the sentence', () => {
    for (const [what, text] of cases) {
      expect(
        sentenceOf(() => parseConfig(text, { file: 'c.yaml', env: {} })),
        what,
      ).not.to.include(secret);
    }
  });

  it('never shows a secret that came from the environment', () => {
    const text = nodes(node({ token_value: '${T}', user: 'root' }), second({ token_value: '${T}' }));
    expect(sentenceOf(() => parseConfig(text, { file: 'c.yaml', env: { T: `${secret} x=` } }))).not.to.include(secret);
  });
});

describe('a file that the configuration names', () => {
  let folder = '';
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'tracker-config-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const parse = (entry: unknown): string =>
    sentenceOf(() => parseConfig(nodes(entry), { file: join(folder, 'c.yaml'), env: {} }));

  it('is named with its path when it is not there', () => {
    expect(parse(node({ token_file: 'pve.token' }, ['token_value']))).to.equal(
      `nodes[0].token_file names ${folder}/pve.token, which is not there: make it or correct the path`,
    );
  });

  it('is named when it is empty', () => {
    writeFileSync(join(folder, 'pve.token'), '\n');
    expect(parse(node({ token_file: 'pve.token' }, ['token_value']))).to.equal(
      `nodes[0].token_file names an empty file: put the value into ${folder}/pve.token`,
    );
  });

  it('is named when it is a folder', () => {
    expect(parse(node({ token_file: '.' }, ['token_value']))).to.equal(
      `nodes[0].token_file names ${folder}, which is a folder: name a file`,
    );
  });

  it('is refused as a CA when it holds no certificate', () => {
    writeFileSync(join(folder, 'ca.pem'), 'hello');
    expect(parse(node({ ca_file: 'ca.pem' }, ['fingerprint']))).to.equal(
      'nodes[0].ca_file names a file that is no certificate in PEM: copy /etc/pve/pve-root-ca.pem there',
    );
  });

  it('is refused as a CA when it holds a private key', () => {
    writeFileSync(join(folder, 'ca.pem'), '-----BEGIN PRIVATE KEY-----\n');
    expect(parse(node({ ca_file: 'ca.pem' }, ['fingerprint']))).to.equal(
      "nodes[0].ca_file names a file with a private key: name the CA's certificate alone",
    );
  });

  it('is the configuration itself, and not there', () => {
    expect(sentenceOf(() => loadConfig(join(folder, 'c.yaml'), {}))).to.equal(
      `${folder}/c.yaml is not there: run "proxmox-tracker init" to write it, or name another with --config`,
    );
  });

  it('is the configuration itself, and a folder', () => {
    expect(sentenceOf(() => loadConfig(folder, {}))).to.equal(
      `the configuration is to be in ${folder}, which is a folder: name a file`,
    );
  });
});

function sentenceOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('the configuration was taken');
}
