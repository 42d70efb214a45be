import { systemClock } from '../clock.js';
import type { RunParts } from './run-command.js';

/** Runs a command line as this process: its streams, its signals, and its exit code. The environment is the caller's to hand in. */
export async function runProcess(
  run: (argv: string[], parts: RunParts) => Promise<number>,
  argv: string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      // The second time is meant: leave at once, with the code that a shell gives to a signal.
      if (stop.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
      stop.abort();
    });
  }
  const { stdin, stdout, stderr } = process;
  const code = await run(argv, { stdin, stdout, stderr, env, clock: systemClock, signal: stop.signal });
  // A command that was broken off may hold sockets open; one that ended by itself has closed its own.
  if (stop.signal.aborted) process.exit(code);
  process.exitCode = code;
}
