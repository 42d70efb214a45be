import type { Clock } from '../../../src/clock.js';
import { Collector } from '../../../src/collect/collect.js';
import type { Config } from '../../../src/config/config.js';
import type { AgentAnswer, AgentCall } from '../../../src/core/ingest.js';
import type { NodePollReport, PollReport, PollRequest } from '../../../src/core/poll-report.js';
import { createKey, type Scope } from '../../../src/ledger/access.js';
import { inTransaction, type Database } from '../../../src/ledger/database.js';
import { silentLog, type Log } from '../../../src/log.js';
import { SecretKeyError, type SecretBox } from '../../../src/secrets.js';
import { createMetrics } from '../../../src/web/metrics.js';
import { createWeb } from '../../../src/web/server.js';
import { entryParts } from '../../support/entry-parts.js';

export const NOW = Date.UTC(2026, 10, 24, 12);
export const HOUR = 3_600_000;
export const SHARED_KEY = 'the-shared-key-of-the-agents-0123456789';
export const ADMIN_KEY = 'the-admin-key-of-the-config-0123456789';

export class HandClock implements Clock {
  at = NOW;
  now(): number {
    return this.at;
  }
  monotonicMs(): number {
    return this.at;
  }
}

/** Seals without a key file; like the real one it opens only what was sealed in the same context. */
export const plainBox: SecretBox = {
  seal: (text, context) => Buffer.from(JSON.stringify([context, text])).toString('base64'),
  open: (sealed, context) => {
    const [found, text] = JSON.parse(Buffer.from(sealed, 'base64').toString()) as [string, string];
    if (found !== context) throw new SecretKeyError(`sealed as ${found}, opened as ${context}`);
    return text;
  },
};

type Section = Partial<Record<keyof Config, Record<string, unknown>>>;

/** A whole configuration on a free port of this machine; sections are merged over it. */
export function configWith(sections: Section = {}): Config {
  const base = {
    file: '/etc/tracker/config.yaml',
    database: { type: 'sqlite', file: ':memory:' },
    server: {
      host: '127.0.0.1',
      port: 0,
      publicUrl: null,
      trustProxy: false,
      tls: { cert: null, key: null },
      redirectHttpPort: null,
    },
    security: {
      apiKey: SHARED_KEY,
      apiKeyScopes: ['ingest'],
      adminApiKey: ADMIN_KEY,
      trustedIps: [],
      secretKeyFile: '/etc/tracker/secret.key',
    },
    polling: { intervalSeconds: 30, timeoutSeconds: 10, trackQemu: true, trackLxc: true, backfill: true },
    nodes: [],
    billing: { timeZone: 'Europe/Berlin', currency: 'EUR', issuer: '', closeOnDay: null },
    retention: { pollsDays: 90, auditDays: 730 },
    mail: { smtpUrl: null, from: null },
    webhook: { url: null, secret: null },
    logging: { level: 'info', format: 'text', file: '' },
  };
  const merged = Object.entries(base).map(([name, value]) => {
    const over = sections[name as keyof Config];
    return [
      name,
      over === undefined || typeof value !== 'object' ? value : Array.isArray(over) ? over : { ...value, ...over },
    ];
  });
  return Object.fromEntries(merged) as Config;
}

export interface Lab {
  url: string;
  clock: HandClock;
  db: Database;
  readKey: string;
  enrolKey: string;
  /** What the web asked the poller for. */
  polls: PollRequest[];
  /** What the poller answers next. */
  report: PollReport;
  isFirstRoundDone: boolean;
  lines: { message: string; fields: Record<string, unknown> }[];
  /** Every route that the server answers. */
  routes: string[];
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  send(method: string, path: string, body?: string, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Record<string, unknown>;
}

export function nodeReport(node: string, error: string | null = null): NodePollReport {
  return { node, isSeen: error === null, error, guestCount: 2, changes: [] };
}

/** A real server on a free port, on the database given; GETs carry the read key unless they say otherwise. */
export async function startLab(db: Database, sections: Section = {}): Promise<Lab> {
  const clock = new HandClock();
  const [readKey, enrolKey] = [await keyOf(db, 'read'), await keyOf(db, 'enrol')];
  const lines: Lab['lines'] = [];
  const note = (message: string, fields: Record<string, unknown> = {}): void => void lines.push({ message, fields });
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  const lab = {
    clock,
    db,
    readKey,
    enrolKey,
    lines,
    polls: [] as PollRequest[],
    isFirstRoundDone: true,
    report: { nodes: [nodeReport('pve-01')], sessionsCreated: 1, sessionsUpdated: 2, sessionsSkipped: 3 } as PollReport,
  };
  const pollNow = async (request: PollRequest): Promise<PollReport> => {
    lab.polls.push(request);
    return Promise.resolve(lab.report);
  };
  const config = configWith(sections);
  const metrics = createMetrics({ db, clock, watchesProcess: false });
  const collector = new Collector({ config, db, clock, log, meter: metrics, ...entryParts() });
  const acceptCall = (call: AgentCall): Promise<AgentAnswer> => collector.acceptCall(call);
  const { management, entries } = collector;
  const isFirstRoundDone = (): boolean => lab.isFirstRoundDone;
  const work = { pollNow, acceptCall, management, entries, secrets: plainBox, isFirstRoundDone };
  const web = createWeb({ config, db, clock, log, ...work, metrics, version: '0.0.0-test' });
  const { url } = await web.listen();
  const send: Lab['send'] = (method, path, body, headers = {}) =>
    answerOf(fetch(url + path, { method, body: body ?? null, headers, redirect: 'manual' }));
  return Object.assign(lab, {
    url,
    send,
    routes: web.routes(),
    get: (path: string, headers: Record<string, string> = { 'X-API-Key': readKey }) =>
      send('GET', path, undefined, headers),
    close: () => web.close(),
  });
}

/** A stored key of that scope, named by it. */
export async function keyOf(db: Database, scope: Scope): Promise<string> {
  return (await inTransaction(db, (trx) => createKey(trx, { name: `for ${scope}`, scope }, NOW))).key;
}

async function answerOf(sent: Promise<Response>): Promise<Answer> {
  const response = await sent;
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
