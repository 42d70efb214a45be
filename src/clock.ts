/** The one reader of the time. Everything that decides takes a Clock or an instant from its caller. */
export interface Clock {
  /** Wall clock: epoch milliseconds UTC, an integer. */
  now(): number;
  /** Monotonic milliseconds since some fixed instant: only differences mean anything. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
};
