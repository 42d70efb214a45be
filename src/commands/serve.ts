import type { CliParts, Command } from './command.js';

export const serve: Command = {
  name: 'serve',
  summary: 'Run the manager: poll, keep the ledger, serve pages and API',
  options: {
    'no-migrate': { type: 'boolean', help: 'leave the tables as they are, and refuse to start where they are behind' },
  },
  notes: ['Runs until SIGTERM or SIGINT; a poll under way is finished first.'],
  isLongRunning: true,
  async run({ parts, values, loadConfig }) {
    const config = await loadConfig();
    const { checkTls } = await import('../config/check-tls.js');
    checkTls(config.server.tls);
    const [{ createApp }, { createLog }, { createNotifier }] = await Promise.all([
      import('../app.js'),
      import('../log.js'),
      import('../notify.js'),
    ]);
    const log = createLog(config.logging);
    const app = createApp(config, { clock: parts.clock, log, shouldMigrate: values['no-migrate'] !== true });
    const notifier = createNotifier({ env: parts.env, log, isAlive: () => app.isPolling() });
    try {
      await app.start();
      await notifier.ready();
      await stopped(parts.signal);
      log.info('stopping');
      await notifier.stopping();
      return 0;
    } finally {
      await app.stop();
    }
  },
};

/** Resolves when the process is told to stop. */
export function stopped(signal: CliParts['signal']): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
