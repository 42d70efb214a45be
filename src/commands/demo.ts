import type { Command } from './command.js';
import { portOf } from './operands.js';

export const demo: Command = {
  name: 'demo',
  summary: 'Run simulator and manager with a month of history, to look around',
  options: { port: { type: 'string', value: 'PORT', help: 'where the pages are (default: 8000)' } },
  notes: ['Listens on 127.0.0.1 only, keeps its data in a temporary folder and prints the login. Runs until stopped.'],
  isLongRunning: true,
  async run({ parts, values, print }) {
    const port = typeof values['port'] === 'string' ? portOf(values['port'], '--port', 0) : 8000;
    const { runDemo } = await import('../demo.js');
    await runDemo({ port, write: print }, { clock: parts.clock, signal: parts.signal });
    return 0;
  },
};
