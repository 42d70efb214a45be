import type { GuestProfile, GuestState } from './guest.js';
import type { Session } from './session.js';
import { middle, type Window } from './window.js';

/** What guest_changes calls a thing that can change while the guest stays the same. */
export type ChangedField = 'name' | 'cores' | 'memory_bytes' | 'tags' | 'pool' | 'node' | 'uuid';

/** A change between two samples: the last that showed the old value and the first that showed the new one. */
export interface ProfileChange {
  field: ChangedField;
  before: string | number | null;
  after: string | number | null;
  window: Window;
}

/** A stretch of a session on one node and of one size. */
export interface SizedSegment {
  nodeId: number;
  startedAt: number;
  /** Null while it goes on. */
  endedAt: number | null;
  cores: number | null;
  memoryBytes: number | null;
}

const FIELDS = [
  ['name', 'name'],
  ['cores', 'cores'],
  ['memoryBytes', 'memory_bytes'],
  ['tags', 'tags'],
  ['pool', 'pool'],
] as const;

/** The likeliest instant of a change: nothing tells more than the two samples around it. */
export function changedAt(change: ProfileChange): number {
  return middle(change.window);
}

/** True for the changes that split a session's segments. */
export function isResize(change: ProfileChange): boolean {
  return change.field === 'cores' || change.field === 'memory_bytes';
}

/**
 * What differs between two looks at a guest, within the window from the last look at the old to the first at the new.
 * A guest known from the log alone had no profile yet: what its first list tells is no change.
 */
export function profileChanges(before: GuestState, after: GuestState, window: Window): ProfileChange[] {
  if (!isKnown(before.profile)) return [];
  const changes = FIELDS.filter(([key]) => before.profile[key] !== after.profile[key]).map(
    ([key, field]): ProfileChange => ({ field, before: before.profile[key], after: after.profile[key], window }),
  );
  if (before.nodeId !== after.nodeId) {
    changes.push({ field: 'node', before: before.nodeId, after: after.nodeId, window });
  }
  return changes;
}

function isKnown(profile: GuestProfile): boolean {
  return profile.name !== null || profile.cores !== null || profile.memoryBytes !== null;
}

/**
 * The session's segments, split where cores or memory changed while it ran; each has the size of its time. A size that changed
 * between two samples that a start lies between changed before it: a size is set while a guest is off.
 */
export function sizedSegments(
  session: Session,
  present: Pick<GuestProfile, 'cores' | 'memoryBytes'>,
  changes: readonly ProfileChange[],
): SizedSegment[] {
  const steps = stepsOf(session, changes);
  const sized: SizedSegment[] = [];
  for (const segment of session.segments) {
    const cuts = steps
      .map((step) => step.at)
      .filter((at) => segment.startedAt < at && (segment.endedAt === null || at < segment.endedAt));
    const starts = [...new Set([segment.startedAt, ...cuts])];
    for (const [k, startedAt] of starts.entries()) {
      const endedAt = starts[k + 1] ?? segment.endedAt;
      sized.push({ nodeId: segment.nodeId, startedAt, endedAt, ...sizeAt(startedAt, present, steps) });
    }
  }
  return sized;
}

interface Step {
  at: number;
  change: ProfileChange;
}

/** When each resize took effect as this session saw it, in order of time. */
function stepsOf(session: Session, changes: readonly ProfileChange[]): Step[] {
  const startAt = session.start.at;
  return changes
    .filter(isResize)
    .map((change) => {
      const { earliest, latest } = change.window;
      const isSetBefore = earliest <= startAt && startAt <= latest;
      const isSetAfter = session.end !== null && earliest <= session.end.at && session.end.at <= latest;
      if (isSetBefore) return { at: startAt, change };
      return { at: isSetAfter ? latest : changedAt(change), change };
    })
    .sort((a, b) => a.at - b.at);
}

/** The present size with every later change undone. */
function sizeAt(
  at: number,
  present: Pick<GuestProfile, 'cores' | 'memoryBytes'>,
  steps: readonly Step[],
): Pick<SizedSegment, 'cores' | 'memoryBytes'> {
  let { cores, memoryBytes } = present;
  for (const step of [...steps].reverse()) {
    if (step.at <= at) break;
    if (step.change.field === 'cores') cores = numberOf(step.change.before);
    else memoryBytes = numberOf(step.change.before);
  }
  return { cores, memoryBytes };
}

function numberOf(value: string | number | null): number | null {
  return value === null ? null : Number(value);
}
