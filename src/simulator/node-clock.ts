import type { NodeClockSpec } from './scenario.js';

/** A node's two clocks as functions of the true instant: the wall, which may be wrong and be stepped, and boot time, which only has a rate. */
export interface SimulatedClock {
  /** Epoch ms that the node's wall clock shows. */
  wallMs(at: number): number;
  /** Epoch seconds, floored, as `time()` yields them. */
  wallS(at: number): number;
  /** Ticks of 10 ms of boot time between two true instants, as /proc shows them. */
  ticks(bootedAt: number, at: number): number;
}

/** The clocks of a node whose wall was off by `offsetMs` at `referenceAt` and gains `driftPpm` since. */
export function simulatedClock(spec: NodeClockSpec | undefined, referenceAt: number): SimulatedClock {
  const { offsetMs, driftPpm, steps } = spec ?? { offsetMs: 0, driftPpm: 0, steps: [] };
  const rate = driftPpm / 1_000_000;
  const wallMs = (at: number): number => {
    let wall = at + offsetMs + (at - referenceAt) * rate;
    for (const step of steps) if (step.at <= at) wall += step.byMs;
    return Math.floor(wall);
  };
  return {
    wallMs,
    wallS: (at) => Math.floor(wallMs(at) / 1000),
    ticks: (bootedAt, at) => Math.floor(((at - bootedAt) * (1 + rate)) / 10),
  };
}
