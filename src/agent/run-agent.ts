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
}

/** After the signal, what waits is still delivered for so long. */
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
  const { clock, log, signal } = parts;
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

  const ended = Promise.all([keepLooking(), keepDelivering()])
    .then(() => lastWords(agent, log))
    .finally(() => agent.close());
  const boundMs = 4 * config.intervalSeconds * 1000 + 6 * config.proxmoxTimeoutSeconds * 1000;
  return { isAlive: () => clock.monotonicMs() - lastLookAt < boundMs, ended };
}

async function lastWords(agent: Agent, log: Log): Promise<void> {
  const timer = setTimeout(() => agent.stopDelivering(), LAST_WORDS_MS);
  await agent.deliver();
  clearTimeout(timer);
  log.info('stopped', { waiting: agent.waitingCount });
}
