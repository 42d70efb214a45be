import { execFile } from 'node:child_process';
import type { Log } from './log.js';

/** Tells systemd how the service stands (sd_notify(3)); without systemd, as in a shell or a container, each call does nothing. */
export interface Notifier {
  /** The service works; from now on the watchdog is fed, where the unit has one. */
  ready(): Promise<void>;
  /** The service is on its way out; the watchdog is fed no more. */
  stopping(): Promise<void>;
}

export interface NotifyParts {
  env: NodeJS.ProcessEnv;
  log: Pick<Log, 'warn'>;
  /** Whether the work goes on; where it does not, systemd hears nothing and starts the service anew. */
  isAlive: () => boolean;
}

/** A third of the unit's time, so that one word that is lost or late does no harm. */
const WORDS_PER_WATCHDOG = 3;
/** systemd-notify waits until its word was taken; it does not wait longer. */
const SAY_MS = 10_000;

/** The notifier for what systemd put into the environment. Words go by systemd-notify: Node opens no datagram socket of that kind (docs/decisions/0007). */
export function createNotifier({ env, log, isAlive }: NotifyParts): Notifier {
  const { NOTIFY_SOCKET: socket, PATH: path } = env;
  const watchdogMs = watchdogMsOf(env);
  let timer: NodeJS.Timeout | null = null;
  let wasHeard = true;

  const say = (...words: string[]): Promise<void> => {
    if (socket === undefined || socket === '') return Promise.resolve();
    const options = { env: { NOTIFY_SOCKET: socket, PATH: path }, timeout: SAY_MS };
    return new Promise((resolve) => {
      execFile('systemd-notify', words, options, (error) => {
        // One line, not one a minute.
        if (error !== null && wasHeard)
          log.warn('systemd was not told how the service stands', { error: error.message });
        wasHeard = error === null;
        resolve();
      });
    });
  };
  let word: Promise<void> | null = null;
  const feed = (): void => {
    if (word !== null || !isAlive()) return;
    word = say('WATCHDOG=1').finally(() => (word = null));
  };

  return {
    async ready() {
      await say('READY=1');
      if (watchdogMs !== null) timer = setInterval(feed, Math.max(1, Math.floor(watchdogMs / WORDS_PER_WATCHDOG)));
    },
    async stopping() {
      if (timer !== null) clearInterval(timer);
      await word;
      await say('STOPPING=1');
    },
  };
}

/** Null where the unit has no watchdog, or one for another process than this. */
function watchdogMsOf({ WATCHDOG_USEC: micros, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | null {
  if (pid !== undefined && pid !== '' && pid !== String(process.pid)) return null;
  const ms = Number(micros) / 1000;
  return Number.isFinite(ms) && ms > 0 ? ms : null;
}
