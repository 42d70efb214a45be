import { stampWindow, type NodeClock } from './node-clock.js';
import type { GuestType } from './observation.js';
import { hull, type Window } from './window.js';

/** A row of a guest's rrd data that says something: `stampS` ends it, on the node's clock; a row that says nothing is left out. */
export interface RrdBin {
  stampS: number;
  stepS: number;
  state: 'running' | 'stopped';
}

/** What was read of one guest, oldest first. */
export interface GuestBins {
  type: GuestType;
  vmid: number;
  bins: RrdBin[];
}

/** A bin as a fact: when it ended, on the manager's clock. */
export interface RrdMark extends RrdBin {
  /** Our id of the node that kept it. */
  nodeId: number;
  ended: Window;
}

/** An end that may be told by bins, and the instant from which on a later process may have filled them. */
export interface RrdEnd {
  window: Window;
  nextAt: number;
}

/**
 * How long after a bin the round can lie that it speaks of: a value holds for the time since the one before, two minutes at
 * most (the heartbeat), and a round of pvestatd is stamped some seconds before it is done.
 */
const REACH_MS = 125_000;
const MINUTE_MS = 60_000;

/**
 * An instant after which the guest is proven to have run: at least half of a running bin's minutes have a value, and each value
 * is of a round within or after its minute. For a bin of one minute that is its beginning.
 */
export function ranAfter(mark: RrdMark): number {
  const minutes = Math.max(1, Math.round((mark.stepS * 1000) / MINUTE_MS));
  return beganAt(mark) + (Math.ceil(minutes / 2) - 1) * MINUTE_MS;
}

/** An instant by which a round found no process: more than half of a stopped bin is without, and the node reported meanwhile. */
export function stoppedBy({ ended }: RrdMark): number {
  return ended.latest + REACH_MS;
}

/** When the bin began at the earliest. */
export function beganAt({ stepS, ended }: RrdMark): number {
  return ended.earliest - stepS * 1000;
}

/** True where the bin can speak of this end alone: no process before it, and none after it, can have made it what it is. */
export function isOf(mark: RrdMark, { window, nextAt }: RrdEnd): boolean {
  if (mark.state === 'running')
    return ranAfter(mark) >= window.earliest && mark.ended.latest + REACH_MS <= Math.min(window.latest, nextAt);
  return beganAt(mark) >= window.earliest && stoppedBy(mark) <= window.latest;
}

/** The bins on our clock; where the node's was set since, they may be of before or after. */
export function marksOf(bins: readonly RrdBin[], nodeId: number, clock: NodeClock): RrdMark[] {
  return bins.map((bin) => {
    const now = stampWindow(bin.stampS, clock, null);
    const { before } = clock;
    const ended = before === null ? now : hull(now, stampWindow(bin.stampS, { ...clock, offset: before }, null));
    return { ...bin, nodeId, ended };
  });
}

/** The bins of the end that tell more than their neighbours: those where the state changes, and the first and the last. */
export function tellingMarks(marks: readonly RrdMark[], end: RrdEnd): RrdMark[] {
  const usable = marks.filter((mark) => isOf(mark, end));
  return usable.filter((mark, k) => usable[k - 1]?.state !== mark.state || usable[k + 1]?.state !== mark.state);
}
