import type { Middleware } from 'koa';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Clock } from '../clock.js';
import type { Meter } from '../core/meter.js';
import type { Database } from '../ledger/database.js';
import { measure } from '../ledger/queries/measures.js';

/** Nodes with figures of their own; those beyond share one name, so that no report can grow without bound. */
const MAX_NODES = 1000;
const OTHERS = '(others)';
const CALLS = ['register', 'vm-start', 'vm-stop', 'vm-states', 'heartbeat'];
const POLL_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const FAST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

export interface Metrics extends Meter {
  /** Counts the answers by what was asked for. */
  countAnswers(): Middleware;
  /** The report in Prometheus' text format, with the ledger's figures as of now. */
  report(): Promise<string>;
  readonly contentType: string;
}

interface MetricsParts {
  db: Database;
  clock: Clock;
  /** False: nothing of the process itself, for which timers run as long as it does. */
  watchesProcess?: boolean;
}

/** A registry of our own with everything that a monitoring system may ask for; docs/operations.md lists the names. */
export function createMetrics({ db, clock, watchesProcess = true }: MetricsParts): Metrics {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  if (watchesProcess) collectDefaultMetrics({ register: registry });
  const { seconds, polls, skipped } = pollFigures(registers);
  const writes = new Histogram({
    name: 'tracker_write_seconds',
    help: 'Time that a transaction took which wrote polls, or calls of agents and people',
    labelNames: ['what'],
    buckets: FAST_SECONDS,
    registers,
  });
  const answers = answerFigures(registers);
  const refresh = ledgerFigures(db, clock, registers);
  const labelOf = nodeLabels();
  return {
    polling: (name) => {
      const node = labelOf(name);
      const end = seconds.startTimer({ node });
      return (outcome) => {
        end();
        polls.inc({ node, outcome });
      };
    },
    pollSkipped: (name) => skipped.inc({ node: labelOf(name) }),
    writing: (what) => writes.startTimer({ what }),
    countAnswers: () => answers,
    report: async () => {
      await refresh();
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

function pollFigures(registers: Registry[]) {
  return {
    seconds: new Histogram({
      name: 'tracker_poll_seconds',
      help: 'Time that a poll of the node took, network and ledger together',
      labelNames: ['node'],
      buckets: POLL_SECONDS,
      registers,
    }),
    polls: new Counter({
      name: 'tracker_polls_total',
      help: 'Polls of the node by outcome: online, partial, unreachable, unauthorized, tls_error, not_written',
      labelNames: ['node', 'outcome'],
      registers,
    }),
    skipped: new Counter({
      name: 'tracker_polls_skipped_total',
      help: 'Polls that were due while the one before was still under way',
      labelNames: ['node'],
      registers,
    }),
  };
}

/** Counts and times answers; a path is known by its kind alone, so that visitors cannot make new series. */
function answerFigures(registers: Registry[]): Middleware {
  const calls = new Counter({
    name: 'tracker_ingest_calls_total',
    help: 'Calls of push agents by outcome: taken, refused (4xx) or failed (5xx)',
    labelNames: ['call', 'outcome'],
    registers,
  });
  const seconds = new Histogram({
    name: 'tracker_http_seconds',
    help: 'Time to an answer, by kind of path and class of status',
    labelNames: ['area', 'status'],
    buckets: FAST_SECONDS,
    registers,
  });
  return async (ctx, next) => {
    const end = seconds.startTimer();
    try {
      await next();
    } finally {
      end({ area: areaOf(ctx.path), status: `${Math.floor(ctx.status / 100)}xx` });
      const call = /^\/api\/ingest\/([a-z-]+)\/?$/.exec(ctx.path)?.[1] ?? '';
      if (CALLS.includes(call)) calls.inc({ call, outcome: outcomeOf(ctx.status) });
    }
  };
}

function areaOf(path: string): string {
  if (/^\/api\/ingest(\/|$)/.test(path)) return 'ingest';
  if (/^\/api(\/|$)/.test(path)) return 'api';
  return /^\/(health|ready|metrics)$/.test(path) ? 'watch' : 'page';
}

function outcomeOf(status: number): string {
  if (status < 400) return 'taken';
  return status < 500 ? 'refused' : 'failed';
}

/** The figures that are read from the ledger when somebody asks; yields what reads them. */
function ledgerFigures(db: Database, clock: Clock, registers: Registry[]): () => Promise<void> {
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name: `tracker_${name}`, help, labelNames, registers });
  const online = gauge('node_online', '1 while the node is wholly seen, else 0', ['node']);
  const seen = gauge('node_last_seen_timestamp_seconds', 'When the node was last seen', ['node']);
  const gap = gauge('node_gap_seconds', 'For how long the node is not seen; 0 while it is', ['node']);
  const guests = gauge('guests', 'Guests that exist, by state', ['state']);
  const open = gauge('open_sessions', 'Sessions that go on');
  const findings = gauge('findings', 'What the last check found and nobody settled');
  const read = gauge('database_read_seconds', 'Time that reading the figures of this report took');
  return async () => {
    const startedMs = clock.monotonicMs();
    const measures = await measure(db.reader, MAX_NODES);
    read.set((clock.monotonicMs() - startedMs) / 1000);
    for (const each of [online, seen, gap]) each.reset();
    for (const { name: node, isOnline, lastSeenAt, unseenSince } of measures.nodes) {
      online.set({ node }, isOnline ? 1 : 0);
      gap.set({ node }, unseenSince === null ? 0 : Math.max(0, clock.now() - unseenSince) / 1000);
      if (lastSeenAt !== null) seen.set({ node }, lastSeenAt / 1000);
    }
    for (const [state, count] of Object.entries(measures.guests)) guests.set({ state }, count);
    open.set(measures.openSessionCount);
    findings.set(measures.findingCount);
  };
}

function nodeLabels(): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.size < MAX_NODES) known.add(name);
    return known.has(name) ? name : OTHERS;
  };
}
