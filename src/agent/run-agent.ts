import type { Clock } from '../clock.js';
import type { ClientConfig } from '../config/client.js';
import type { Log } from '../log.js';
import { Agent } from './agent.js';
import { Alarm } from './alarm.js';

export interface RunParts {
  clock: Clock;
  log: Log;
  /** Ends it. */
  signal: AbortSignal;
  /** Called once, when the first look is over. */
  onReady: () => Promise<void>;
  /** After the signal, what waits is still delivered for so long; five seconds by default. */
  lastWordsMs?: number;
}

const LAST_WORDS_MS = 5_000;

/** A running agent, until its signal comes. */
export interface RunningAgent {
  /** True while looks end in time; a watchdog asks. */
  isAlive(): boolean;
  /** Resolves when it has ended, with what was not delivered kept on disk. */
  ended: Promise<void>;
}

/** Looks at each interval, delivers beside it, and tries again when the manager is away. Throws where the outbox cannot be opened. */
export function runAgent(config: ClientConfig, parts: RunParts): RunningAgent {
  const { clock, log, signal, lastWordsMs = LAST_WORDS_MS } = parts;
  const [looks, deliveries] = [new Alarm(signal), new Alarm(signal)];
  const agent = Agent.open(config, { clock, log, onForceSync: () => looks.ring() });
  let lastLookAt = clock.monotonicMs();
  if (agent.waitingCount > 0) log.info('reports wait from before', { waiting: agent.waitingCount });

  const look = async (): Promise<void> => {
    await agent.look();
    lastLookAt = clock.monotonicMs();
    deliveries.ring();
  };
  const keepLooking = async (): Promise<void> => {
    const intervalMs = config.intervalSeconds * 1000;
    let dueAt = clock.monotonicMs();
    await look();
    await parts.onReady();
    while (!signal.aborted) {
      // A look that took longer than the interval skips what was due meanwhile.
      while (dueAt <= clock.monotonicMs()) dueAt += intervalMs;
      await looks.wait(dueAt - clock.monotonicMs());
      if (!signal.aborted) await look();
    }
  };
  const keepDelivering = async (): Promise<void> => {
    for (let waitMs: number | null = null; !signal.aborted;) {
      await pause(deliveries, waitMs);
      if (signal.aborted) break;
      const delivered = await agent.deliver();
      waitMs = delivered.kind === 'held' ? delivered.waitMs : null;
    }
  };
  // A wait after a failure is not cut short by the next look: the manager may be on its knees.
  const pause = async (alarm: Alarm, ms: number | null): Promise<void> => {
    if (ms === null) return alarm.wait(null);
    const endsAt = clock.monotonicMs() + ms;
    while (!signal.aborted && clock.monotonicMs() < endsAt) await alarm.wait(endsAt - clock.monotonicMs());
  };

  // From the signal on, not from the end of the delivery that it finds under way: that may have a long outage to tell of.
  const unbound = afterSignal(signal, lastWordsMs, () => agent.stopDelivering());
  const ended = Promise.all([keepLooking(), keepDelivering()])
    .then(() => agent.deliver())
    .then(() => log.info('stopped', { waiting: agent.waitingCount }))
    .finally(() => {
      unbound();
      agent.close();
    });
  const boundMs = 4 * config.intervalSeconds * 1000 + 6 * config.proxmoxTimeoutSeconds * 1000;
  return { isAlive: () => clock.monotonicMs() - lastLookAt < boundMs, ended };
}

/** Does it so long after the signal; yields what takes it back. */
function afterSignal(signal: AbortSignal, ms: number, act: () => void): () => void {
  let timer: NodeJS.Timeout | null = null;
  const arm = (): void => void (timer = setTimeout(act, ms));
  if (signal.aborted) arm();
  else signal.addEventListener('abort', arm, { once: true });
  return () => {
    signal.removeEventListener('abort', arm);
    if (timer !== null) clearTimeout(timer);
  };
}
