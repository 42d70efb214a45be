import type { Clock } from '../clock.js';

interface Mark {
  wallAt: number;
  monotonicMs: number;
}

/** Compares the manager's wall clock with its monotonic one from poll to poll of each node (ledger rule 11). */
export class ClockWatch {
  private readonly marks = new Map<number, Mark>();

  constructor(private readonly clock: Clock) {}

  /**
   * By how much the wall clock ran ahead of the monotonic one since the node's last poll that told its own clock; negative where
   * it was set back, 0 at the first. A poll that did not tell it cannot say whether the manager's clock was set or it slept.
   */
  aheadMs(nodeId: number, hasNodeClock: boolean): number {
    const now = { wallAt: this.clock.now(), monotonicMs: this.clock.monotonicMs() };
    const last = this.marks.get(nodeId);
    if (last === undefined || hasNodeClock) this.marks.set(nodeId, now);
    return last === undefined ? 0 : Math.round(now.wallAt - last.wallAt - (now.monotonicMs - last.monotonicMs));
  }
}
