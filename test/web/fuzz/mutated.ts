import fc from 'fast-check';
import type { Random } from '../../../src/simulator/random.js';

export interface Mutated {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: Buffer | null;
  /** Who asks: the name of a credential. */
  holder: string;
}

export const HOLDERS = ['anonymous', 'wrong', 'ingest', 'read', 'enrol', 'admin', 'viewer', 'admin-login'];

/** Values that have broken programs before, among some that are right. */
const VALUES = [
  ...['', ' ', 'null', 'true', '0', '1', '-1', '1.5', '1e9', 'NaN', '9'.repeat(18), '9007199254740993', '104', '105'],
  ...['pve-01', 'pve-02', 'old-01', 'lab', 'admin', 'viewer', 'ingest', 'running', 'qemu', 'lxc', 'unknown', 'repair'],
  ...[
    '2026-11-24',
    '2026-11-24T06:47:42.123456',
    '2026-11-24T06:47:42+02:00',
    '2026-11-24T06:47:42 02:00',
    '2026-02-30',
  ],
  ...[
    '0001-01-01',
    '9999-12-31T23:59:59Z',
    '275760-09-13T00:00:00Z',
    '+275760-09-14T00:00:00Z',
    '-271821-04-20',
    '1970-01-01',
  ],
  ...[
    "'; DROP TABLE users; --",
    '" OR 1=1',
    '<script>alert(1)</script>',
    '{{chrome}}',
    '${7*7}',
    '../../etc/passwd',
    '%00',
    '%',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '\u0000',
    '\ud800',
    '\u202e',
    'é\u0301',
    '🦊',
    '\r\nX-Split: 1',
    '٣',
    '１０４',
  ],
  ...['n'.repeat(256), 'a'.repeat(5000), ','.repeat(300), '['.repeat(2000)],
];

const QUERIES = [
  'node',
  'cluster',
  'guest_id',
  'vm_id',
  'start_date',
  'end_date',
  'page',
  'per_page',
  'running_only',
  'all',
];
const MORE_QUERIES = [
  'purge',
  'user',
  'q',
  'sort',
  'order',
  'state',
  'vmid',
  'from',
  'to',
  '__proto__',
  'v',
  'pool',
  'tag',
];
const FIELDS = [
  'username',
  'password',
  'repeat',
  'current',
  'code',
  'name',
  'role',
  'scope',
  'node',
  'expires',
  'theme',
];
const MORE_FIELDS = ['back', 'key', 'action', 'reason', '__proto__'];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];
const HEADERS: [string, readonly string[]][] = [
  ['Accept-Encoding', ['*;q=0', 'gzip', 'br;q=2', 'identity;q=0', 'zstd, x']],
  ['Content-Type', ['application/json', 'text/plain', 'multipart/form-data', 'x', 'application/json; charset=utf-7']],
  ['Content-Encoding', ['gzip', 'identity', 'br']],
  [
    'Cookie',
    ['tracker_flash=e30', 'tracker_flash=bnVsbA', 'tracker_flash=%%%', 'theme=<b>', 'tracker_csrf=x; tracker_login='],
  ],
  ['X-Forwarded-For', ['::1', 'x', '127.0.0.1, 10.0.0.1']],
  ['X-Forwarded-Proto', ['https', 'x']],
  ['Range', ['bytes=0-1', 'bytes=9-1']],
  ['If-Modified-Since', ['x', 'Fri, 01 Jan 2100 00:00:00 GMT']],
  ['Authorization', ['Bearer', 'Bearer  ', 'Basic eDp4', 'bearer x y']],
  ['Accept', ['text/html', 'x/', '*/*;q=x']],
];

const jsonBodies = fc.json({ maxDepth: 5, noUnicodeString: false });

/** The next request: of a route or of none, by somebody, with values that fit or do not. */
export function mutated(random: Random, routes: readonly string[]): Mutated {
  const [routeMethod = 'GET', route = '/'] = random.pick(routes).split(' ');
  const method = random.chance(0.06) ? random.pick(METHODS) : routeMethod;
  const isPlain = method === 'GET' || method === 'HEAD';
  const headers: Record<string, string> = {};
  for (const [name, values] of HEADERS) if (random.chance(0.05)) headers[name] = random.pick(values);
  return {
    method,
    path: pathOf(random, route),
    headers,
    body: isPlain && random.chance(0.97) ? null : bodyOf(random, route),
    holder: random.chance(0.4) ? 'admin' : random.pick(HOLDERS),
  };
}

function pathOf(random: Random, route: string): string {
  const filled = route.replaceAll(/:\w+/g, () => (random.chance(0.4) ? String(random.between(1, 6)) : escaped(random)));
  const broken = random.chance(0.04)
    ? filled.slice(0, random.between(1, filled.length)) + random.pick(['/', '//', '%ff', '/%2e%2e', '?'])
    : filled;
  if (random.chance(0.5)) return broken;
  const names = Array.from({ length: random.between(1, 3) }, () =>
    random.pick([...QUERIES, ...QUERIES, ...MORE_QUERIES]),
  );
  return `${broken}?${names.map((name) => `${name}=${escaped(random)}`).join('&')}`;
}

/** A value as it may stand in an address; now and then one that is broken there. */
function escaped(random: Random): string {
  const value = random.pick(VALUES);
  if (random.chance(0.05)) return random.pick(['%', '%zz', '%c0%af', '%ed%a0%80', '+', '%F0%9F']);
  return encodeURIComponent(value.replace('\ud800', '\ufffd'));
}

function bodyOf(random: Random, route: string): Buffer {
  if (random.chance(0.03)) return Buffer.from([0xff, 0xfe, 0x00, 0xc0, 0x80]);
  if (random.chance(0.02)) return Buffer.alloc(300_000, 'x');
  const text = route.startsWith('/api/') ? jsonOf(random, route) : formOf(random);
  const cut = random.chance(0.05) ? text.slice(0, random.between(0, text.length)) : text;
  return Buffer.from(cut);
}

function formOf(random: Random): string {
  const names = Array.from({ length: random.between(0, 5) }, () => random.pick([...FIELDS, ...FIELDS, ...MORE_FIELDS]));
  return names.map((name) => `${name}=${escaped(random)}`).join('&');
}

function jsonOf(random: Random, route: string): string {
  if (random.chance(0.25)) return fc.sample(jsonBodies, { seed: random.between(0, 2 ** 31 - 1), numRuns: 1 })[0] ?? '';
  if (random.chance(0.05)) return '{"node":"pve-01","__proto__":{"a":1},"vm_id":104}';
  return JSON.stringify(reportOf(random, route));
}

/** What an agent says, with a value here and there that it should not. */
function reportOf(random: Random, route: string): Record<string, unknown> {
  const report: Record<string, unknown> = { node: random.pick(['pve-01', 'push-01', 'push-02']), name: 'push-01' };
  if (random.chance(0.3)) report['event_id'] = random.pick(['e1', 'e2', ...VALUES]);
  if (random.chance(0.3)) report['sent_at'] = '2026-11-24T12:00:00';
  if (route.endsWith('vm-start') || route.endsWith('vm-stop')) report['vm_id'] = random.pick([104, '104', '9', 200]);
  if (route.endsWith('vm-states')) report['vms'] = Array.from({ length: random.between(0, 4) }, () => rowOf(random));
  if (random.chance(0.5)) return report;
  const name = random.pick([
    ...Object.keys(report),
    'timestamp',
    'start_time',
    'stop_time',
    'vm_type',
    'target_node',
    'stats',
  ]);
  report[name] = oddOf(random);
  return report;
}

function rowOf(random: Random): Record<string, unknown> {
  const status = random.pick(['running', 'stopped', 'paused', 'unknown']);
  const row: Record<string, unknown> = { vm_id: random.between(100, 120), status, uptime: random.between(0, 1e6) };
  if (random.chance(0.2)) row[random.pick(['vm_id', 'status', 'uptime', 'name', 'vm_type', 'maxmem'])] = oddOf(random);
  return row;
}

function oddOf(random: Random): unknown {
  const values = [null, true, -1, 1.5, 1e308, 2 ** 53, [], {}, [[]], { vm_id: 1 }, ['x']];
  return random.chance(0.6) ? random.pick(VALUES) : random.pick<unknown>(values);
}
