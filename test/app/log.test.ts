import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { createLog, type LogOptions } from '../../src/log.js';
import { tempFolder } from '../commands/running.js';

describe('the log', () => {
  const folder = tempFolder();

  const written = async (format: LogOptions['format'], say: (log: ReturnType<typeof createLog>) => void) => {
    const file = join(folder.path, `${format}.log`);
    const mute = process.stderr.write.bind(process.stderr);
    process.stderr.write = () => true;
    try {
      say(createLog({ level: 'info', format, file }));
    } finally {
      process.stderr.write = mute;
    }
    for (let k = 0; k < 200; k++) {
      await pause(10);
      const lines = readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split('\n').slice(0, -1);
      if (lines.some((line) => line.includes('last'))) return lines;
    }
    throw new Error('the last line was not written');
  };

  it('writes one line an event as text, whatever a name holds', async () => {
    const lines = await written('text', (log) => {
      log.info('qemu 104 a\nerror forged\u2028\u001b[31m started', { node: 'pve\n1' });
      log.debug('too fine to be kept');
      log.warn('last');
    });
    expect(lines).to.have.length(2);
    expect(lines[0]).to.match(/^\d{4}-\S+Z info {2}qemu 104 a\\nerror forged \\u001b\[31m started node="pve\\n1"$/);
  });

  it('writes one JSON object a line', async () => {
    const lines = await written('json', (log) => {
      log.info('request', { id: 'a', status: 200 });
      log.error('two\nlines');
      log.info('last');
    });
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).to.have.length(3);
    expect(events[0]).to.include({ level: 'info', message: 'request', id: 'a', status: 200 });
    expect(events[1]).to.include({ level: 'error', message: 'two\nlines' });
  });
});
