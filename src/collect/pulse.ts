import type { Clock } from '../clock.js';
import type { PollingConfig } from '../config/config.js';

/** Polls that are due may be skipped while one waits for a node that is down; so many in a row, and as many time-outs, are no death. */
const MISSED_POLLS = 4;
const TIMEOUTS = 6;

/** The sign of life of the poll loop: beaten by polls that end, and by ticks that find no node to poll. */
export class Pulse {
  private beatenAt: number;
  private readonly silentMs: number;

  constructor(
    private readonly clock: Clock,
    { intervalSeconds, timeoutSeconds }: Pick<PollingConfig, 'intervalSeconds' | 'timeoutSeconds'>,
  ) {
    this.beatenAt = clock.monotonicMs();
    this.silentMs = (MISSED_POLLS * intervalSeconds + TIMEOUTS * timeoutSeconds) * 1000;
  }

  beat(): void {
    this.beatenAt = this.clock.monotonicMs();
  }

  /** False once no poll has ended for four intervals and six time-outs: something then hangs that a restart mends. */
  isAlive(): boolean {
    return this.clock.monotonicMs() - this.beatenAt <= this.silentMs;
  }
}
