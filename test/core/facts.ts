import type { Boot } from '../../src/core/slot.js';
import type { GuestType } from '../../src/core/observation.js';
import { derive, type Derived } from '../../src/core/derive.js';
import type { PauseKind } from '../../src/core/pause-span.js';
import { runningSpan, stoppedSpan, withRunning, type Span } from '../../src/core/span.js';
import type { Task, TaskOutcome } from '../../src/core/task.js';

/** Facts written as a person tells them: seconds since some instant, on node 1 unless said. */
export const BASE = 1_790_000_000_000;

export const at = (seconds: number): number => BASE + Math.round(seconds * 1000);

/** A process that started at `startS` and was sampled at each of `samplesS`. */
export function running(
  startS: number,
  samplesS: number[],
  options: { nodeId?: number; pid?: number; isSilent?: boolean } = {},
): Span {
  const sampleOf = (s: number) => ({ sentAt: at(s), receivedAt: at(s) + 20, uptimeS: Math.floor(s - startS) });
  const [first = startS, ...rest] = samplesS;
  const usable = (s: number) => (options.isSilent === true ? null : sampleOf(s));
  let span = runningSpan(options.nodeId ?? 1, options.pid ?? Math.floor(startS) + 1000, sampleOf(first), usable(first));
  for (const s of rest) span = withRunning(span, sampleOf(s), usable(s));
  return span;
}

/** Stopped samples from the first to the last second given. */
export function stopped(firstS: number, lastS: number = firstS, nodeId = 1): Span {
  const span = stoppedSpan(nodeId, { sentAt: at(firstS), receivedAt: at(firstS) + 20 });
  return { ...span, last: { sentAt: at(lastS), receivedAt: at(lastS) + 20 } };
}

/** The process's span with one pause that samples showed: running at `beforeS`, paused at `pausedS` and running at `afterS`. */
export function withPause(
  span: Span,
  pausedS: number[],
  options: { kind?: PauseKind; beforeS?: number; afterS?: number } = {},
): Span {
  const told = (s: number) => ({ earliest: at(s) - 1000, latest: at(s) + 1000 });
  const [firstS = 0] = pausedS;
  const pause = {
    id: null,
    kind: options.kind ?? ('paused' as const),
    before: options.beforeS === undefined ? null : told(options.beforeS),
    first: told(firstS),
    last: told(pausedS.at(-1) ?? firstS),
    after: options.afterS === undefined ? null : told(options.afterS),
  };
  return { ...span, pauses: [...span.pauses, pause] };
}

/** A task whose stamps are those of a node whose clock agrees with ours to the millisecond. */
export function task(
  type: string,
  startS: number,
  endS: number | null,
  options: { outcome?: TaskOutcome; nodeId?: number; user?: string } = {},
): Task {
  const stamp = (s: number) => ({ earliest: at(Math.floor(s)), latest: at(Math.floor(s)) + 999 });
  return {
    upid: `UPID:n${options.nodeId ?? 1}:${type}:${startS}`,
    nodeId: options.nodeId ?? 1,
    type,
    vmid: 104,
    user: options.user ?? 'alice@pve',
    outcome: options.outcome ?? (endS === null ? 'running' : 'ok'),
    start: stamp(startS),
    end: endS === null ? null : stamp(endS),
    raw: { startS: Math.floor(startS), endS: endS === null ? null : Math.floor(endS), pstart: 0 },
  };
}

export function boot(nodeId: number, earliestS: number, latestS: number): Boot {
  return { nodeId, at: { earliest: at(earliestS), latest: at(latestS) } };
}

export interface Story {
  /** Of the guest; a VM unless said. */
  type?: GuestType;
  spans?: Span[];
  tasks?: Task[];
  boots?: Boot[];
  coverageSinceS?: number;
  asOfS?: number;
}

export function deriveStory(story: Story): Derived {
  const since = at(story.coverageSinceS ?? -1000);
  return derive({
    type: story.type ?? 'qemu',
    spans: story.spans ?? [],
    tasks: story.tasks ?? [],
    boots: story.boots ?? [],
    coverageSince: new Map([1, 2, 3].map((id) => [id, since])),
    asOf: at(story.asOfS ?? 100_000),
  });
}

/** "100~100.5 uptime .. 250~253 task shutdown": each edge's bounds in seconds, its evidence, and the reason. */
export function tell({ sessions }: Derived): string[] {
  const s = (ms: number | null): string => (ms === null ? '?' : String(Math.round((ms - BASE) / 100) / 10));
  return sessions.map(({ start, end, endReason, segments }) => {
    const nodes = segments.map((segment) => segment.nodeId).join('>');
    const left = `${s(start.earliest)}~${s(start.latest)} ${start.evidence}`;
    const right = end === null ? 'open' : `${s(end.earliest)}~${s(end.latest)} ${end.evidence} ${String(endReason)}`;
    return `${left} .. ${right} on ${nodes}`;
  });
}

/** "200~202 task .. 300~302 poll paused": the pauses of all sessions, told likewise. */
export function tellPauses({ sessions }: Derived): string[] {
  const s = (ms: number): string => String(Math.round((ms - BASE) / 100) / 10);
  return sessions.flatMap(({ pauses }) =>
    pauses.map(({ kind, start, end }) => {
      const right = end === null ? 'open' : `${s(end.earliest)}~${s(end.latest)} ${end.evidence}`;
      return `${s(start.earliest)}~${s(start.latest)} ${start.evidence} .. ${right} ${kind}`;
    }),
  );
}
