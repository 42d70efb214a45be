/** Something to wait for that may come early: a time, a ring, or the end. */
export class Alarm {
  private hasRung = false;
  private wake: () => void = () => {};

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', () => this.ring(), { once: true });
  }

  /** Ends the wait; where nobody waits, the next one is over at once. */
  ring(): void {
    this.hasRung = true;
    this.wake();
  }

  /** Resolves when it rings, when the time is over (null: it never is), or when the signal comes. */
  async wait(ms: number | null): Promise<void> {
    if (!this.hasRung && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = ms === null ? null : setTimeout(resolve, Math.max(0, ms));
        this.wake = () => {
          if (timer !== null) clearTimeout(timer);
          resolve();
        };
      });
    }
    this.hasRung = false;
    this.wake = () => {};
  }
}
