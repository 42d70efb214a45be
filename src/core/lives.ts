import type { GuestState, Life } from './guest.js';
import { confirmedGone, CREATIONS, isSameIdentity, readingsOf, RESTORES } from './identity.js';
import type { Task } from './task.js';
import { middle, type Window } from './window.js';

/** The end of one incarnation, and what tells it. */
export interface LifeEnd {
  window: Window;
  evidence: 'task' | 'config';
}

type LifeFacts = Pick<GuestState, 'lives' | 'tasks' | 'spans' | 'identities' | 'frozenAt' | 'isOpen'>;

/**
 * The guest's incarnations from its facts (ledger rule 19): each destroyed one ends, and what follows is the next; a creation or
 * a clone into the VMID ends what was there before it unseen, and so does another uuid where the log does not reach. A restore
 * of the same uuid re-opens the one before. Rows carry over by when their incarnation was first seen.
 */
export function livesOf(guest: LifeFacts): Life[] {
  const ends = endsOf(guest);
  const last = ends.at(-1);
  const hasPresent = last === undefined || guest.isOpen || lastFactAt(guest) > middle(last.window);
  const stretches = [...ends, ...(hasPresent ? [null] : [])];
  return stretches.map((end, k): Life => {
    const from = ends[k - 1]?.window.latest ?? Number.NEGATIVE_INFINITY;
    const known = guest.lives.find(
      (life) => life.firstSeenAt >= from && (end === null || life.firstSeenAt < end.window.latest),
    );
    const firstSeenAt = known?.firstSeenAt ?? (k === 0 ? firstFactAt(guest) : from);
    return {
      id: known?.id ?? null,
      life: k + 1,
      firstSeenAt,
      destroyed: end?.window ?? null,
      ...(end?.evidence === 'config' ? { isDestroyedByConfig: true } : {}),
    };
  });
}

function endsOf(guest: LifeFacts): LifeEnd[] {
  const ends = [...frozenEnds(guest), ...destroyEnds(guest), ...goneEnd(guest)];
  for (const end of [...unseenEnds(guest), ...otherUuidEnds(guest)]) {
    if (!ends.some((one) => one.window.latest >= end.window.earliest && one.window.earliest <= end.window.latest))
      ends.push(end);
  }
  ends.sort((a, b) => a.window.earliest - b.window.earliest);
  return ends.filter((end, k) => !isReopened(guest, end, ends[k + 1] ?? null));
}

/** Ends that were told by facts which are no longer loaded. */
function frozenEnds({ lives, frozenAt }: LifeFacts): LifeEnd[] {
  if (frozenAt === null) return [];
  return lives.flatMap((life) =>
    life.destroyed !== null && life.destroyed.latest <= frozenAt
      ? [{ window: life.destroyed, evidence: life.isDestroyedByConfig === true ? 'config' : 'task' }]
      : [],
  );
}

function destroyEnds({ tasks }: LifeFacts): LifeEnd[] {
  return tasks
    .filter((task) => (task.type === 'qmdestroy' || task.type === 'vzdestroy') && task.outcome === 'ok')
    .map((task) => ({
      window: { earliest: task.start.earliest, latest: task.end?.latest ?? task.start.latest },
      evidence: 'task',
    }));
}

/** Between the last sample and the first of two polls that found its config nowhere. */
function goneEnd(guest: LifeFacts): LifeEnd[] {
  const gone = confirmedGone(guest);
  if (gone === null) return [];
  const provenAt = guest.spans.at(-1)?.last.sentAt ?? gone.earliest;
  return [{ window: { earliest: provenAt, latest: gone.latest }, evidence: 'config' }];
}

/** A creation needs a free VMID: what was seen under it before had been destroyed. */
function unseenEnds(guest: LifeFacts): LifeEnd[] {
  const created = guest.tasks
    .filter((task) => task.outcome === 'ok' && CREATIONS.has(task.type))
    .map((task) => task.start);
  const cloned = guest.identities.filter((fact) => fact.kind === 'cloned').map((fact) => fact.window);
  return [...created, ...cloned].flatMap((start): LifeEnd[] => {
    const before = factsBefore(guest, start.earliest);
    return before === null ? [] : [{ window: { earliest: before, latest: start.latest }, evidence: 'task' }];
  });
}

/** Two readings of different VMs, with a hole in the log between them. */
function otherUuidEnds(guest: LifeFacts): LifeEnd[] {
  const readings = readingsOf(guest);
  return readings.flatMap((after, k): LifeEnd[] => {
    const before = readings[k - 1];
    const isOther =
      before !== undefined &&
      before.identity.uuid !== null &&
      after.identity.uuid !== null &&
      before.identity.uuid !== after.identity.uuid;
    if (!isOther || after.isLogComplete) return [];
    const earliest = Math.max(before.window.earliest, lastOfOldProcess(guest, before.window, after.window));
    return [{ window: { earliest, latest: after.window.latest }, evidence: 'config' }];
  });
}

/** How long what ran at the first reading was seen to run: it cannot have been destroyed before. */
function lastOfOldProcess({ spans }: LifeFacts, before: Window, after: Window): number {
  const old = spans.find((span) => span.first.sentAt <= before.latest && span.last.sentAt >= before.earliest);
  return old === undefined || old.last.sentAt >= after.earliest ? before.earliest : old.last.sentAt;
}

/** The next life is the same guest where it was restored, and its uuid is, or may yet be found to be, the one of before. */
function isReopened(guest: LifeFacts, end: LifeEnd, next: LifeEnd | null): boolean {
  const origin = originAfter(guest, end, next);
  if (origin === null) return false;
  const readings = readingsOf(guest);
  const before = readings.findLast((one) => one.window.latest <= end.window.latest);
  const after = readings.find((one) => one.window.earliest >= origin.start.latest);
  if (before === undefined || before.identity.uuid === null) return false;
  return after === undefined || isSameIdentity(before.identity, after.identity);
}

/** The VM's restore that follows, if nothing else made it. */
function originAfter(guest: LifeFacts, end: LifeEnd, next: LifeEnd | null): Task | null {
  const isBetween = (window: Window): boolean =>
    window.latest >= end.window.latest && (next === null || window.earliest < next.window.earliest);
  const isCloned = guest.identities.some((fact) => fact.kind === 'cloned' && isBetween(fact.window));
  const made = guest.tasks
    .filter(
      (task) => task.outcome === 'ok' && (CREATIONS.has(task.type) || RESTORES.has(task.type)) && isBetween(task.start),
    )
    .sort((a, b) => a.start.earliest - b.start.earliest);
  const first = made[0];
  return isCloned || first?.type !== 'qmrestore' ? null : first;
}

/** The last instant before `at` at which something was known of the guest; null where nothing was. */
function factsBefore({ spans, tasks, lives, frozenAt }: LifeFacts, at: number): number | null {
  const known = [
    ...spans.filter((span) => span.first.sentAt < at).map((span) => Math.min(span.last.sentAt, at)),
    ...tasks
      .filter((task) => task.outcome === 'ok' && task.start.latest < at)
      .map((task) => Math.min(task.end?.latest ?? task.start.latest, at)),
    ...(frozenAt === null ? [] : lives.filter((life) => isAliveAt(life, frozenAt)).map(() => frozenAt)),
  ].filter((instant) => instant < at);
  return known.length === 0 ? null : Math.max(...known);
}

function isAliveAt(life: Life, at: number): boolean {
  return life.firstSeenAt < at && (life.destroyed === null || life.destroyed.latest > at);
}

function lastFactAt({ spans, tasks, identities }: LifeFacts): number {
  return Math.max(
    Number.NEGATIVE_INFINITY,
    ...spans.map((span) => span.last.sentAt),
    ...tasks.map((task) => task.start.earliest),
    ...identities.filter((fact) => fact.kind !== 'gone').map((fact) => fact.window.earliest),
  );
}

function firstFactAt({ spans, tasks, lives }: LifeFacts): number {
  const first = Math.min(...spans.map((span) => span.first.sentAt), ...tasks.map((task) => task.start.earliest));
  return Number.isFinite(first) ? first : (lives[0]?.firstSeenAt ?? 0);
}
