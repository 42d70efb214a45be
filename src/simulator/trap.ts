import type { NodeClockSpec, ScenarioEvent, ScenarioFault } from './scenario.js';

/** A trap before it is placed in time: `at`, `from` and `to` count from the scenario's beginning, in a clock's steps too. */
export interface Trap {
  name: string;
  events?: ScenarioEvent[];
  faults?: ScenarioFault[];
  /** Of the nodes of the cluster; left out: the true one. */
  clock?: NodeClockSpec;
}

export const minuteMs = 60_000;

/** An instant of a trap, in ms from the scenario's beginning. */
export const at = (minutes: number, seconds = 0): number => minutes * minuteMs + seconds * 1000;

/** A backup of one guest on t1 that takes five minutes. */
export const backup = (minutes: number, vmid: number, mode: 'snapshot' | 'suspend' | 'stop'): ScenarioEvent => ({
  at: at(minutes),
  kind: 'backup',
  node: 't1',
  vmids: [vmid],
  mode,
  takesMs: 5 * minuteMs,
});
