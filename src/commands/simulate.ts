import type { Command } from './command.js';
import { portOf } from './operands.js';

export const simulate: Command = {
  name: 'simulate',
  summary: 'Run a simulated Proxmox to try the product on',
  options: {
    port: { type: 'string', value: 'PORT', help: 'the first port to listen on; without it, free ones are chosen' },
    scenario: { type: 'string', value: 'NAME', help: 'what is simulated (default: lab)' },
  },
  notes: ['Listens on 127.0.0.1 only and prints its fingerprints and a ready nodes: section. Runs until stopped.'],
  isLongRunning: true,
  async run({ parts, values, print }) {
    const port = typeof values['port'] === 'string' ? { port: portOf(values['port'], '--port') } : {};
    const scenario = typeof values['scenario'] === 'string' ? values['scenario'] : 'lab';
    const [{ runSimulate }, { silentLog }] = await Promise.all([
      import('../simulator/simulate.js'),
      import('../log.js'),
    ]);
    await runSimulate(
      { ...port, scenario, write: print },
      { clock: parts.clock, log: silentLog, signal: parts.signal },
    );
    return 0;
  },
};
