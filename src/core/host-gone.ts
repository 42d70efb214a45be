import type { Run } from './run.js';
import type { Slot } from './slot.js';
import { middle, type Window } from './window.js';

/** A few polls: what the log tells within this of a node's last list was still done in our sight. */
const FEW_POLLS_MS = 3 * 60_000;
/** A node answers within this of its boot; a later first list says that nobody was asking when it booted. */
const ANSWERS_MS = 5 * 60_000;
/** HA starts a guest elsewhere two to three minutes after its host fell silent: the host's lock has to time out first. */
const RECOVERY_MS = 3 * 60_000;

/**
 * Where a run likely ended that only the boot of its node bounds (ledger rule 15). A node that we watched go dark was gone when
 * it first did not answer: the last proof. One that nobody was asking was gone no longer than a boot takes: the boot.
 */
export function hostGoneAt(run: Run, boot: Window, { left, right }: Slot): number {
  const isInSight = left !== null && run.provenAt - left.last.sentAt <= FEW_POLLS_MS;
  const isAskedAgain = right === null || right.first.receivedAt - boot.latest <= ANSWERS_MS;
  if (!isInSight || !isAskedAgain) return middle(boot);
  return Math.max(run.provenAt, run.segments.at(-1)?.startedAt ?? run.provenAt);
}

/** Where a run likely ended whose guest HA brought up on another node by `startedAt`: as a host that fell silent, but no longer before than HA waits. */
export function fencedAt(run: Run, startedAt: number): number {
  return Math.max(run.provenAt, startedAt - RECOVERY_MS);
}
