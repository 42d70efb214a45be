import { newGuest, profileOf, type GuestProfile, type GuestState } from './guest.js';
import { CLOCK_RATE_ERROR } from './node-clock.js';
import type { NodeState } from './node-state.js';
import type { Exchange, GuestRow } from './observation.js';
import {
  narrowedStart,
  runningSpan,
  samenessOf,
  startByUptime,
  stoppedSpan,
  withRunning,
  type Span,
  type UptimeSample,
} from './span.js';
import { effectsOf, spanOf, type Task } from './task.js';
import { meets, middle, widen, type Window } from './window.js';

/** The stored sample is renewed at ten minutes, then daily (ledger rule 5). */
const RENEW_YOUNG_MS = 10 * 60_000;
const RENEW_MS = 24 * 3_600_000;
/** A narrower start is worth a write only when it gained this much. */
const WORTH_MS = 10;
/** An uptime this near to the node's own is a container's glitch (proxmox-api.md, trap 14): both are floored to the second. */
const HOST_UPTIME_MS = 1_500;

export interface RowInput {
  row: GuestRow;
  guest: GuestState | null;
  /** As far as the cluster's resources tell: the list does not. */
  pool: string | null;
  /** The node that listed it, as it was before this list. */
  node: NodeState;
  at: Exchange;
  lastSample: UptimeSample | null;
  /** The last good list of this type on a node. */
  lastSeenOf: (nodeId: number) => Exchange | null;
  /** True when a task of this poll may have started it: then two stopped samples prove nothing between them (rule 1). */
  mayHaveRun: boolean;
}

export interface RowOutput {
  /** The same object where nothing changed. */
  guest: GuestState | null;
  /** To keep in memory as the process's last sample. */
  sample: UptimeSample | null;
}

/** What one row of a node's list adds to what is known of its guest. */
export function applyRow(input: RowInput): RowOutput {
  const { row, guest, node, at } = input;
  if (row.isTemplate) return { guest: applyTemplate(input), sample: null };
  // A sample older than one already applied on another node is late news (rule 2).
  if (guest !== null && guest.isOpen && guest.nodeId !== node.id) {
    const seenThere = input.lastSeenOf(guest.nodeId);
    if (seenThere !== null && seenThere.sentAt > at.receivedAt) return { guest, sample: null };
  }
  // QEMU is kept alive until the backup of a guest that powered off inside is done (rule 16).
  if (row.status === 'stopped' || row.qmpstatus === 'shutdown') return { guest: applyStopped(input), sample: null };
  // Without pid or uptime it is starting or ending: neither running nor stopped is proven (rule 7).
  if (row.pid === null || row.uptimeS === null || row.uptimeS === 0) return { guest: notSampled(input), sample: null };
  const sample = { sentAt: at.sentAt, receivedAt: at.receivedAt, uptimeS: row.uptimeS };
  return applyRunning(input, row.pid, sample);
}

/** The guest is missing from its node's list: no sample, which ends nothing; its span reaches to the last list that had it (rule 18). */
export function closeAbsent(guest: GuestState, lastSeen: Exchange | null): GuestState {
  return { ...closedAt(guest, lastSeen), isOpen: false };
}

/** Listed, but in a state that proves nothing: as if it were absent, its span reaches to the list before. */
function notSampled(input: RowInput): GuestState {
  const guest = withProfile(input.guest, input);
  if (!guest.isOpen || guest.nodeId !== input.node.id) return guest;
  return closeAbsent(guest, input.node.lastSeen[input.row.type]);
}

/** A template cannot run, whatever a backup makes its row say: where the guest ran before, it is seen stopped (trap 31). */
function applyTemplate(input: RowInput): GuestState {
  const { guest } = input;
  return guest !== null && guest.spans.length > 0 ? applyStopped(input) : withProfile(guest, input);
}

function applyStopped(input: RowInput): GuestState {
  const guest = withProfile(input.guest, input);
  const open = guest.spans.at(-1);
  const continues = guest.isOpen && open?.state === 'stopped' && open.nodeId === input.node.id && !input.mayHaveRun;
  if (continues && !mayHaveRunSince(open, guest.tasks, input)) return guest;
  return opened(guest, input, stoppedSpan(input.node.id, input.at));
}

/** The span's only sample was asked inside a start's task: what began after it may be over by this one, and no task of this poll says so. */
function mayHaveRunSince(open: Span, tasks: readonly Task[], { node, row, at }: RowInput): boolean {
  if (node.lastSeen[row.type]?.sentAt !== open.first.sentAt) return false;
  return tasks.some(
    (task) =>
      spanOf(task, at.receivedAt).latest > open.first.sentAt && effectsOf(task).some(({ edge }) => edge === 'start'),
  );
}

function applyRunning(input: RowInput, pid: number, sample: UptimeSample): RowOutput {
  const guest = withProfile(input.guest, input);
  const last = guest.spans.at(-1);
  const usable = isHostUptime(input.node, sample) ? null : sample;
  if (last?.state === 'running' && last.nodeId === input.node.id && last.pid === pid) {
    // A span without a sample of its own has none in memory either: what lies there is of the process before.
    const previous = last.sample === null ? null : (input.lastSample ?? last.sample);
    const sameness = usable === null ? 'glitch' : samenessOf({ pid, sample: previous }, pid, usable);
    if (sameness !== 'new') {
      const kept = sameness === 'same' ? usable : null;
      return { guest: joined(guest, last, input, kept), sample: kept };
    }
  }
  // A backup starts a process of its own for a stopped guest, and a migration one that waits: neither is a run (rules 14, 16).
  if (isUnsettled(input.row)) return { guest: notSampled(input), sample: null };
  // A process that was seen powered off inside and is back was reset by a start: its uptime tells nothing of this run (trap 32).
  const isBack = guest.spans.some((span) => isSameProcess(span, input.node.id, pid, sample));
  const span = { ...runningSpan(input.node.id, pid, input.at, usable), isBarred: isBack };
  return { guest: opened(guest, input, span), sample: usable };
}

/** Pids are used again, above all after a boot: the start must agree too. */
function isSameProcess(span: Span, nodeId: number, pid: number, sample: UptimeSample): boolean {
  if (span.nodeId !== nodeId || span.pid !== pid || span.start === null) return false;
  return meets(widen(span.start, 3_000), startByUptime(sample));
}

/** A process new to us under a lock, whose own state does not say that it runs. */
function isUnsettled(row: GuestRow): boolean {
  return row.type === 'qemu' && (row.lock === 'backup' || row.lock === 'migrate') && row.qmpstatus !== 'running';
}

/** One more sample of the span's process; the guest stays the same object where nothing is worth a write. */
function joined(guest: GuestState, last: Span, input: RowInput, sample: UptimeSample | null): GuestState {
  const start = sample === null ? last.start : narrowedStart(last, sample);
  const gainMs = width(last.start) - width(start);
  const ageMs = sample === null || last.sample === null ? 0 : sample.sentAt - last.sample.sentAt;
  const renewMs = (last.sample?.uptimeS ?? 0) * 1000 < RENEW_YOUNG_MS ? RENEW_YOUNG_MS : RENEW_MS;
  if (guest.isOpen && gainMs < WORTH_MS && ageMs < renewMs) return guest;
  const next = withRunning(last, input.at, sample);
  const kept = { ...next, sample: ageMs >= renewMs || last.sample === null ? next.sample : last.sample };
  return { ...guest, nodeId: input.node.id, spans: [...guest.spans.slice(0, -1), kept], isOpen: true };
}

function width(start: Window | null): number {
  return start === null ? Number.MAX_SAFE_INTEGER : start.latest - start.earliest;
}

/**
 * True where the uptime is the node's own. Both count on one clock of the node, so they are compared as they read now: at an age
 * of hours either reaches back to an instant that is seconds off, and by itself would name another boot.
 */
function isHostUptime(node: NodeState, sample: UptimeSample): boolean {
  const since = {
    earliest: sample.sentAt - sample.uptimeS * 1000 - 1000,
    latest: sample.receivedAt - sample.uptimeS * 1000,
  };
  const { uptimeClock } = node;
  if (uptimeClock !== null) {
    const driftMs = Math.ceil(Math.abs(sample.sentAt - uptimeClock.asOf) * CLOCK_RATE_ERROR);
    if (meets(widen(uptimeClock.offset, HOST_UPTIME_MS + driftMs), since)) return true;
  }
  // A boot since the node's uptime was last asked for is told by the log.
  const boot = node.boots.at(-1);
  return boot !== undefined && Math.abs(middle(since) - middle(boot)) < HOST_UPTIME_MS;
}

/** Closes the open span at the last list that held it, and begins the next. */
function opened(guest: GuestState, input: RowInput, span: Span): GuestState {
  const closed = guest.isOpen ? closedAt(guest, input.lastSeenOf(guest.nodeId)) : guest;
  return { ...closed, nodeId: input.node.id, spans: [...closed.spans, span], isOpen: true };
}

function closedAt(guest: GuestState, lastSeen: Exchange | null): GuestState {
  const open = guest.spans.at(-1);
  if (open === undefined || lastSeen === null || lastSeen.sentAt <= open.last.sentAt) return guest;
  return { ...guest, spans: [...guest.spans.slice(0, -1), { ...open, last: lastSeen }] };
}

/** The guest with the profile that the list tells; a new one where the VMID was not known. */
function withProfile(guest: GuestState | null, input: RowInput): GuestState {
  const { row, node, at, pool } = input;
  if (guest !== null && isSameProfile(guest.profile, row, pool)) return guest;
  const profile = profileOf(row, pool);
  if (guest !== null) return { ...guest, profile };
  return newGuest(row.type, row.vmid, { nodeId: node.id, firstSeenAt: at.sentAt, profile });
}

/** As `profileOf` would yield it, which an idle list need not make. */
function isSameProfile(profile: GuestProfile, row: GuestRow, pool: string | null): boolean {
  return (
    profile.name === row.name &&
    profile.cores === row.cores &&
    profile.memoryBytes === row.memoryBytes &&
    profile.tags === row.tags &&
    profile.pool === pool &&
    profile.isTemplate === row.isTemplate
  );
}
