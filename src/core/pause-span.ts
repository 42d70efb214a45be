import type { Span } from './span.js';
import type { Window } from './window.js';

/** How QEMU holds a guest's CPUs still, in its own words (query-status; proxmox-api.md, section 3.5). */
export const PAUSE_KINDS = ['paused', 'io-error', 'suspended', 'guest-panicked', 'internal-error', 'watchdog'] as const;

export type PauseKind = (typeof PAUSE_KINDS)[number];

/** QEMU's own state as far as it proves something: the guest's CPUs run, or stand still. */
export type RunState = PauseKind | 'running';

/** The state held at some instant of the window. */
export interface StateSample {
  state: RunState;
  window: Window;
}

/** A fact: samples that show one process in one kind of pause, joined while none contradicts (ledger rule 17). */
export interface PauseSpan {
  /** Our row's id; null until it is written. */
  id: number | null;
  kind: PauseKind;
  /** The sample before, where it showed the guest running. */
  before: Window | null;
  first: Window;
  /** The last sample that is joined in. */
  last: Window;
  /** The first sample that showed the guest running again; null while none did. */
  after: Window | null;
}

/**
 * What a qmpstatus proves under the config's lock; null where it proves nothing. A snapshot, a migration and a suspend to disk
 * stop the CPUs for a moment of their own work, which is no pause; a backup in suspend mode pauses as a person would.
 */
export function runStateOf(qmpstatus: string, lock: string | null): RunState | null {
  if (qmpstatus === 'running') return 'running';
  if (lock !== null && lock !== 'backup') return null;
  return PAUSE_KINDS.find((kind) => kind === qmpstatus) ?? null;
}

/**
 * The guest's spans with one more sample of its present process, newer than `last`, the sample before. The same array where
 * the sample says nothing new: a guest that runs on, or stays paused, is not written.
 */
export function withRunState(spans: readonly Span[], last: StateSample | null, next: StateSample): readonly Span[] {
  return next.state === 'running'
    ? released(spans, last, next.window)
    : held(spans, last, { kind: next.state, window: next.window });
}

/** It runs: the pause that was last seen is over, also one of the process that it was migrated from. */
function released(spans: readonly Span[], last: StateSample | null, window: Window): readonly Span[] {
  const k = spans.findLastIndex((span) => span.state === 'stopped' || span.pauses.length > 0);
  const span = spans[k];
  const open = span?.pauses.at(-1);
  if (span === undefined || open === undefined || open.after !== null) return spans;
  const closed = { ...open, last: lastOf(open, last), after: window };
  return spans.with(k, { ...span, pauses: [...span.pauses.slice(0, -1), closed] });
}

function held(
  spans: readonly Span[],
  last: StateSample | null,
  { kind, window }: { kind: PauseKind; window: Window },
): readonly Span[] {
  const span = spans.at(-1);
  if (span === undefined) return spans;
  const open = span.pauses.at(-1);
  if (open?.after === null && open.kind === kind) return spans;
  const before = last?.state === 'running' ? last.window : null;
  const begun: PauseSpan = { id: null, kind, before, first: window, last: window, after: null };
  const known =
    open?.after === null ? [...span.pauses.slice(0, -1), { ...open, last: lastOf(open, last) }] : span.pauses;
  return spans.with(-1, { ...span, pauses: [...known, begun] });
}

function lastOf(open: PauseSpan, last: StateSample | null): Window {
  return last?.state === open.kind && last.window.earliest > open.last.earliest ? last.window : open.last;
}

/** The span with its open pause reaching to `states`, when the states of all its node's VMs were last told and none was new. */
export function pauseUntil(span: Span, states: Window | null): Span {
  const open = span.pauses.at(-1);
  if (open?.after !== null || states === null || states.earliest <= open.last.earliest) return span;
  return { ...span, pauses: [...span.pauses.slice(0, -1), { ...open, last: states }] };
}

/** The guest's state as the stored facts have it, when the states of all its node's VMs were told last; null before its process was seen. */
export function storedState(span: Span, states: Window | null): StateSample | null {
  if (states === null || span.state !== 'running' || span.first.sentAt > states.latest) return null;
  const open = span.pauses.at(-1);
  return { state: open?.after === null ? open.kind : 'running', window: states };
}
