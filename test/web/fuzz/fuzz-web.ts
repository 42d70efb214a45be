import { Agent, request } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { addUser, createLogin, type Role } from '../../../src/ledger/access.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { packageRoot } from '../../../src/package-root.js';
import { seededRandom } from '../../../src/simulator/random.js';
import { ADMIN_KEY, keyOf, NOW, SHARED_KEY, startLab, type Lab } from '../api/lab.js';
import { seed as seedLedger } from '../api/seed.js';
import { mutated, type Mutated } from './mutated.js';

export interface FuzzReport {
  requests: number;
  /** How often each status was answered. */
  statuses: Record<string, number>;
  /** At most twenty sentences of what no answer may be, with the request. */
  faults: string[];
  /** By how much the heap grew from the end of the first third to the end, collected both times. */
  heapGrowthBytes: number;
}

const AT_ONCE = 4;
/** A logout ends a login: after so many requests there are new ones. */
const LOGIN_EVERY = 40;
const MAX_FAULTS = 20;
const PASSWORD_HASH = /scrypt\$\d/;
const STACK = /\n\s+at \S|\.(ts|js):\d+:\d+/;
const DATABASE = /SQLITE_|\bER_[A-Z]|(select|insert|update|delete)\b[^<]*\b(from|into|set)\b[^<]*[`?]/i;

type Credentials = Map<string, Record<string, string>>;

/** Sends so many mutated requests, the same for the same seed, to the real server on that database, and judges each answer. */
export async function fuzzWeb(db: Database, options: { requests: number; seed: number }): Promise<FuzzReport> {
  const random = seededRandom(options.seed);
  await seedLedger(db);
  const lab = await startLab(db);
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const keys = await keysOf(db);
  const secrets = [...keys.values(), ADMIN_KEY, SHARED_KEY, lab.readKey, lab.enrolKey];
  const report: FuzzReport = { requests: 0, statuses: {}, faults: [], heapGrowthBytes: 0 };
  const users = await usersOf(db);
  let heapBefore = 0;
  try {
    while (report.requests < options.requests) {
      const credentials = await credentialsOf(db, keys, users);
      for (let sent = 0; sent < LOGIN_EVERY && report.requests < options.requests; sent += AT_ONCE) {
        const batch = Array.from({ length: AT_ONCE }, () => mutated(random, lab.routes));
        const answers = await Promise.all(batch.map((each) => ask(lab.url, agent, each, credentials)));
        answers.forEach((answer, k) => judge(report, batch[k], answer, secrets));
        report.requests += batch.length;
      }
      noteFailures(report, lab, secrets);
      if (heapBefore === 0 && report.requests >= options.requests / 3) heapBefore = collectedHeap();
    }
    report.heapGrowthBytes = collectedHeap() - heapBefore;
    return report;
  } finally {
    agent.destroy();
    await lab.close();
  }
}

interface Heard {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

function ask(url: string, agent: Agent, each: Mutated, credentials: Credentials): Promise<Heard> {
  const own = credentials.get(each.holder) ?? {};
  const cookie = [own['Cookie'], each.headers['Cookie']].filter((part) => part !== undefined).join('; ');
  const headers: Record<string, string> = { ...each.headers, ...own, ...(cookie === '' ? {} : { Cookie: cookie }) };
  if (each.body !== null) headers['Content-Length'] = String(each.body.length);
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    // The path as it is: a URL would mend it.
    const target = { hostname, port, path: each.path, method: each.method };
    const sent = request({ ...target, headers, agent }, (answer) => {
      let text = '';
      answer.setEncoding('latin1').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      answer.on('error', reject);
    });
    sent.setTimeout(30_000, () => sent.destroy(new Error(`no answer to ${each.method} ${each.path.slice(0, 200)}`)));
    sent.on('error', reject);
    sent.end(each.body ?? undefined);
  });
}

function judge(report: FuzzReport, asked: Mutated | undefined, answer: Heard, secrets: readonly string[]): void {
  report.statuses[answer.status] = (report.statuses[answer.status] ?? 0) + 1;
  const text = `${JSON.stringify(answer.headers)}\n${answer.text}`;
  // The page of a key shows the new one, which is none of these.
  const wrong = [
    answer.status >= 500 || answer.status === 0 ? `is ${answer.status}` : null,
    String(answer.headers['content-security-policy']).startsWith("default-src 'none'") ? null : 'lacks the policy',
    answer.headers['x-split'] === undefined ? null : 'has a header of the visitor',
    secrets.some((secret) => text.includes(secret)) ? 'holds a key' : null,
    text.includes(packageRoot) || text.includes('node_modules') ? 'holds a path' : null,
    PASSWORD_HASH.test(text) ? 'holds a password hash' : null,
    STACK.test(answer.text) ? 'holds a stack' : null,
    DATABASE.test(answer.text) ? 'holds the words of a database' : null,
    isShaped(asked, answer) ? null : 'is no {detail}',
  ].filter((fault) => fault !== null);
  for (const fault of wrong)
    complain(report, `the answer ${fault}: ${described(asked)} -> ${answer.text.slice(0, 300)}`);
}

/** Every error of the API is JSON with one sentence. */
function isShaped(asked: Mutated | undefined, answer: Heard): boolean {
  const isApi = /^\/api(\/|$|\?)/.test(asked?.path ?? '');
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  if (!isApi || answer.status < 400 || asked?.method === 'HEAD' || encoding !== 'identity') return true;
  try {
    return typeof (JSON.parse(answer.text) as { detail?: unknown }).detail === 'string';
  } catch {
    return false;
  }
}

/** What the server logged of its own failures says more than its answers; and no line may hold a key. */
function noteFailures(report: FuzzReport, lab: Lab, secrets: readonly string[]): void {
  for (const line of lab.lines.splice(0)) {
    const text = JSON.stringify(line);
    if (line.message === 'request failed') complain(report, `the log: ${text.slice(0, 600)}`);
    if (secrets.some((secret) => text.includes(secret))) complain(report, `a log line holds a key: ${line.message}`);
  }
}

function complain(report: FuzzReport, fault: string): void {
  if (report.faults.length < MAX_FAULTS) report.faults.push(fault);
}

function described(asked: Mutated | undefined): string {
  if (asked === undefined) return 'nothing';
  const body = asked.body?.toString('latin1').slice(0, 300) ?? '';
  return `${asked.method} ${asked.path.slice(0, 300)} by ${asked.holder} ${JSON.stringify(asked.headers)} ${body}`;
}

async function keysOf(db: Database): Promise<Map<string, string>> {
  const keys = new Map([['wrong', 'x'.repeat(43)]]);
  for (const scope of ['ingest', 'read', 'enrol', 'admin'] as const) keys.set(scope, await keyOf(db, scope));
  return keys;
}

async function usersOf(db: Database): Promise<[holder: string, userId: number][]> {
  const make = (name: string, role: Role): Promise<{ id: number }> =>
    inTransaction(db, (trx) => addUser(trx, { name, password: 'correct horse battery', role }, NOW));
  return [
    ['admin-login', (await make('anna', 'admin')).id],
    ['viewer', (await make('victor', 'viewer')).id],
  ];
}

async function credentialsOf(
  db: Database,
  keys: ReadonlyMap<string, string>,
  users: readonly [string, number][],
): Promise<Credentials> {
  const token = 'c'.repeat(43);
  const credentials: Credentials = new Map([['anonymous', { Cookie: `tracker_csrf=${token}`, 'X-CSRF-Token': token }]]);
  for (const [holder, key] of keys) credentials.set(holder, { 'X-API-Key': key });
  for (const [holder, userId] of users) {
    const login = await inTransaction(db, (trx) => createLogin(trx, { userId, address: '127.0.0.1' }, NOW));
    credentials.set(holder, { Cookie: `tracker_login=${login.token}`, 'X-CSRF-Token': login.csrfToken });
  }
  return credentials;
}

let collect: (() => void) | null = null;

/** The bytes of the heap that something still holds. */
function collectedHeap(): number {
  if (collect === null) {
    setFlagsFromString('--expose_gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
