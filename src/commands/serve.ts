import type { CliParts, Command } from './command.js';
import { CommandError } from './command.js';

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
    const [{ createApp }, { createLog }] = await Promise.all([import('../app.js'), import('../log.js')]);
    const log = createLog(config.logging);
    const app = createApp(config, { clock: parts.clock, log, shouldMigrate: values['no-migrate'] !== true });
    try {
      await app.start();
      await stopped(parts.signal);
      log.info('stopping');
      return 0;
    } catch (error) {
      throw listenFault(error, config.server.host) ?? error;
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

/** The sentence for an address that cannot be listened on, or null for any other error. */
export function listenFault(error: unknown, host: string): CommandError | null {
  if (!(error instanceof Error) || !('syscall' in error) || error.syscall !== 'listen' || !('code' in error))
    return null;
  const where = 'port' in error ? `${host}:${String(error.port)}` : host;
  switch (error.code) {
    case 'EADDRINUSE':
      return new CommandError(
        `${where} is in use by another program: end that one, or set server.port to another port`,
      );
    case 'EACCES':
      return new CommandError(`this user may not listen on ${where}: set server.port to one above 1023`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CommandError(
        `server.host is ${host}, which is no address of this machine: set it to 0.0.0.0 or 127.0.0.1`,
      );
    default:
      return null;
  }
}
