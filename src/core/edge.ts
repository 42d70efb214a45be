import type { EndReason, Evidence } from './evidence.js';
import type { Edge } from './session.js';
import type { Task } from './task.js';
import { clamp, intersect, middle, type Window } from './window.js';

/** A shutdown's process is gone a second or two before its task is done (proxmox-api.md, section 12). */
const CLEANUP_MS = 1_500;
/** A stop's process is gone about a second after its task began. */
const QUIT_MS = 1_000;
const TUNNELS: ReadonlySet<string> = new Set(['qmtunnel', 'vzmtunnel']);

/** What is known of a start. */
export interface StartEvidence {
  uptime: Window | null;
  /** True where the uptime was read from a process younger than ten minutes. */
  isYoung: boolean;
  task: Task | null;
  taskWindow: Window | null;
  /** The last proof of stopped, or the earliest instant of the end before. */
  after: number | null;
  /** A proof of stopped inside the start task's window: it bounds the start only of a run that is known to have outlived it. */
  afterIfOutlived: number | null;
  /** The first proof of running. */
  before: number | null;
  isLogEdge: boolean;
  /** Who told of the first proof of running; absent where a poll saw it. */
  source?: 'agent' | 'manual' | undefined;
  /** The person who told of it. */
  actor?: string | null | undefined;
}

/** A start of which nothing is known yet. */
export const unknownStart: StartEvidence = {
  uptime: null,
  isYoung: false,
  task: null,
  taskWindow: null,
  after: null,
  afterIfOutlived: null,
  before: null,
  isLogEdge: false,
};

/** What is known of an end. */
export interface EndEvidence {
  evidence: Evidence;
  reason: EndReason;
  task: Task | null;
  window: Window;
  /** Where within its task the end likely lies; `latest`: at the stamp of the report that told of it. */
  near: 'start' | 'end' | 'middle' | 'latest';
  /** The likeliest instant of an end that no task tells; the middle of the window where nothing speaks for another. */
  likely: number | null;
  proofs: string[];
}

/** The start's edge by ledger rules 7, 8 and 20: uptime of a young process first, then the task, then the polls, each clipped by the proofs around it. */
export function openEdge(start: StartEvidence): Edge {
  const { at, earliest, latest, evidence } = startBounds(start);
  return { at, earliest, latest, evidence, upid: start.task?.upid ?? null, proofs: proofsOf(start) };
}

/** True where nothing bounds the start from below: the log, or the first report, found it running. */
function isUnbounded(start: StartEvidence): boolean {
  return start.isLogEdge || (start.source === 'agent' && start.after === null && start.uptime === null);
}

/** The bounds of that edge, without what it is told by. */
export function startBounds(start: StartEvidence): Pick<Edge, 'at' | 'earliest' | 'latest' | 'evidence'> {
  if (isUnbounded(start)) {
    const latest = start.before ?? 0;
    const at = Math.min(latest, start.taskWindow?.earliest ?? latest);
    return { at, earliest: null, latest, evidence: 'log_edge' };
  }
  const chosen = chooseWindow(start);
  const { evidence } = chosen;
  const window = clipped(chosen.window, start);
  const at = likeliestStart(start, evidence, window);
  return { at, earliest: window.earliest, latest: window.latest, evidence };
}

function likeliestStart(start: StartEvidence, evidence: Evidence, window: Window): number {
  // An agent stamps a start when it notices it, and reads just before it stamps (ledger rule 22).
  if (start.source !== undefined) return clamp(window.latest - (evidence === 'uptime' ? 500 : 0), window);
  // A guest from another cluster is switched to as the last step of the task that took it in.
  const isSwitch = evidence === 'task' && start.task !== null && TUNNELS.has(start.task.type);
  return isSwitch ? clamp(window.latest - CLEANUP_MS, window) : middle(window);
}

function chooseWindow(start: StartEvidence): { window: Window; evidence: Evidence } {
  const { uptime, taskWindow } = start;
  if (uptime !== null && (start.isYoung || taskWindow === null)) {
    const both = taskWindow === null ? null : intersect(uptime, taskWindow);
    return { window: both ?? uptime, evidence: 'uptime' };
  }
  if (taskWindow !== null) {
    const both = uptime === null ? null : intersect(uptime, taskWindow);
    return { window: both ?? taskWindow, evidence: 'task' };
  }
  const latest = start.before ?? start.after ?? 0;
  // A person's word is of the instant at which it was given.
  if (start.source === 'manual') return { window: { earliest: latest, latest }, evidence: 'manual' };
  return { window: { earliest: start.after ?? latest, latest }, evidence: start.source ?? 'poll' };
}

/** Proofs that contradict the stronger evidence leave it as it is (rule 12). */
function clipped(window: Window, start: StartEvidence): Window {
  const proofs = {
    earliest: start.after ?? Number.NEGATIVE_INFINITY,
    latest: start.before ?? Number.POSITIVE_INFINITY,
  };
  return intersect(window, proofs) ?? window;
}

function proofsOf(start: StartEvidence): string[] {
  if (start.isLogEdge) return ['before the task log begins'];
  if (isUnbounded(start)) return ['the first report found it running'];
  const proofs: string[] = [];
  if (start.after !== null) proofs.push(proofAt('not running', start.after));
  if (start.uptime !== null) proofs.push('uptime of the process');
  if (start.before !== null) proofs.push(proofAt('running', start.before));
  return proofs;
}

/** The guests of one list share their proofs' instants, and to word an instant costs as much as the rest of a start: what was worded last is kept. */
const worded = { running: new Map<number, string>(), 'not running': new Map<number, string>() };
const WORDED_LIMIT = 1_000;

function proofAt(state: keyof typeof worded, at: number): string {
  const known = worded[state].get(at);
  if (known !== undefined) return known;
  if (worded[state].size >= WORDED_LIMIT) worded[state].clear();
  const words = `${state} at ${new Date(at).toISOString()}`;
  worded[state].set(at, words);
  return words;
}

/** The end's edge by ledger rule 9; never before the start's earliest instant. */
export function closeEdge(end: EndEvidence, start: Edge): Edge {
  const floor = start.earliest ?? start.at;
  const window = { earliest: Math.max(end.window.earliest, floor), latest: Math.max(end.window.latest, floor) };
  const at = Math.max(clamp(likeliest(end, window), window), Math.min(start.at, window.latest));
  return {
    at,
    earliest: window.earliest,
    latest: window.latest,
    evidence: end.evidence,
    upid: end.task?.upid ?? null,
    proofs: end.proofs,
  };
}

function likeliest(end: EndEvidence, window: Window): number {
  if (end.likely !== null) return end.likely;
  if (end.near === 'latest') return window.latest;
  if (end.near === 'middle' || end.task === null) return middle(window);
  const task = end.task;
  if (end.near === 'start') return middle(task.start) + QUIT_MS;
  return task.end === null ? middle(window) : middle(task.end) - CLEANUP_MS;
}
