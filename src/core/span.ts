import type { Exchange } from './observation.js';
import { CLOCK_RATE_ERROR } from './node-clock.js';
import type { PauseSpan } from './pause-span.js';
import { intersect, type Window } from './window.js';

/** An uptime is exact to its second only while the process is young: rates differ by 100 ppm (ledger rule 7). */
export const YOUNG_MS = 10 * 60_000;
/** /proc counts in ticks of 10 ms, floored on both sides of the difference. */
const TICK_MS = 10;
const JITTER_MS = 3_000;

/** One running sample's uptime. */
export interface UptimeSample extends Exchange {
  uptimeS: number;
}

/** A fact: samples of one process, or of stopped, joined (ledger.md, "The method"). */
export interface Span {
  /** Our row's id; null until it is written. */
  id: number | null;
  nodeId: number;
  state: 'running' | 'stopped';
  pid: number | null;
  first: Exchange;
  /** The last sample that is joined in. */
  last: Exchange;
  /** The process's start by uptime, intersected; null for stopped, and where no usable uptime was seen. */
  start: Window | null;
  /** True where `start` comes from a process younger than ten minutes. */
  isYoung: boolean;
  /** True when the uptime counts from a backup's process, not from the guest's run (ledger rule 16). */
  isBarred: boolean;
  /** The sample that sameness is judged against (ledger rule 5). */
  sample: UptimeSample | null;
  /** What was seen of its pauses, in order of time. */
  pauses: readonly PauseSpan[];
  /** Who told of it; absent where a poll saw it. */
  source?: 'agent' | 'manual' | undefined;
  /** The person whose word it is; not stored with the span, for its report holds it. */
  actor?: string | null;
}

/** When the process started, by one sample: in (sent - uptime - 1 s, received - uptime], widened by 100 ppm (ledger rule 7). */
export function startByUptime(sample: UptimeSample): Window {
  const uptimeMs = sample.uptimeS * 1000;
  const rateMs = Math.ceil((uptimeMs + 1000) * CLOCK_RATE_ERROR);
  return {
    earliest: sample.sentAt - uptimeMs - 1000 - rateMs - TICK_MS,
    latest: sample.receivedAt - uptimeMs + rateMs + TICK_MS,
  };
}

export type Sameness = 'same' | 'glitch' | 'new';

/**
 * Whether a running sample is of the span's process (ledger rule 5): same pid, and an uptime grown by the elapsed time
 * +- 3 s +- 200 ppm. A larger uptime with the same pid is a glitch, whose value is not kept; a smaller one is a new process.
 */
export function samenessOf(span: Pick<Span, 'pid' | 'sample'>, pid: number | null, sample: UptimeSample): Sameness {
  if (span.pid !== null && pid !== null && span.pid !== pid) return 'new';
  if (span.sample === null) return 'same';
  const elapsedMs = sample.sentAt - span.sample.sentAt;
  const grownMs = (sample.uptimeS - span.sample.uptimeS) * 1000;
  const exchangeMs = sample.receivedAt - sample.sentAt + (span.sample.receivedAt - span.sample.sentAt);
  const allowedMs = JITTER_MS + exchangeMs + Math.ceil(Math.abs(elapsedMs) * 2 * CLOCK_RATE_ERROR);
  const excessMs = grownMs - elapsedMs;
  if (Math.abs(excessMs) <= allowedMs) return 'same';
  return excessMs > 0 ? 'glitch' : 'new';
}

/**
 * The span with one more running sample of its process joined in; its start narrows while the process is young.
 * Glitches and samples without a usable uptime hand in null and prove only that it still ran.
 */
export function withRunning(span: Span, at: Exchange, sample: UptimeSample | null): Span {
  const last = { sentAt: at.sentAt, receivedAt: at.receivedAt };
  if (sample === null) return { ...span, last };
  return { ...span, last, start: narrowedStart(span, sample), isYoung: span.isYoung || isYoung(sample), sample };
}

/** The span's start as one more sample of its process leaves it: the same object where an old process tells nothing new. */
export function narrowedStart(span: Span, sample: UptimeSample): Window | null {
  if (span.start === null) return startByUptime(sample);
  if (!isYoung(sample)) return span.start;
  // Two readings that exclude each other are a fault of one of them: the first keeps its word.
  return intersect(span.start, startByUptime(sample)) ?? span.start;
}

function isYoung(sample: UptimeSample): boolean {
  return sample.uptimeS * 1000 < YOUNG_MS;
}

/** A new running span from its first sample. */
export function runningSpan(nodeId: number, pid: number | null, at: Exchange, sample: UptimeSample | null): Span {
  const first = { sentAt: at.sentAt, receivedAt: at.receivedAt };
  const empty: Span = {
    id: null,
    nodeId,
    state: 'running',
    pid,
    first,
    last: first,
    start: null,
    isYoung: false,
    isBarred: false,
    sample: null,
    pauses: [],
  };
  return withRunning(empty, at, sample);
}

/** A new stopped span from its first sample. */
export function stoppedSpan(nodeId: number, at: Exchange): Span {
  const first = { sentAt: at.sentAt, receivedAt: at.receivedAt };
  return {
    id: null,
    nodeId,
    state: 'stopped',
    pid: null,
    first,
    last: first,
    start: null,
    isYoung: false,
    isBarred: false,
    sample: null,
    pauses: [],
  };
}
