import { run } from './cli.js';
import { systemClock } from './clock.js';

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second time is meant: leave at once, with the code that a shell gives to a signal.
    if (stop.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143);
    stop.abort();
  });
}

const { stdin, stdout, stderr, env } = process;
const parts = { stdin, stdout, stderr, env, clock: systemClock, signal: stop.signal };
const code = await run(process.argv.slice(2), parts);
// A command that was broken off may hold sockets open; one that ended by itself has closed its own.
if (stop.signal.aborted) process.exit(code);
process.exitCode = code;
