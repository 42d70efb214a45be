import fs from 'node:fs';
import { createInterface } from 'node:readline';
import { Agent } from '../../src/agent/agent.js';
import { realDisk, type Disk } from '../../src/agent/whole-file.js';
import type { Clock } from '../../src/clock.js';
import { loadClientConfig } from '../../src/config/client.js';
import { silentLog } from '../../src/log.js';

/**
 * An agent in a process of its own, on a clock that its standard input moves: `look AT` and `deliver AT` do so and say it, with
 * what waits. After `doom K` it writes half of what it is given at the K-th write from then on, says `now`, and waits for its end.
 */
async function run(configFile: string): Promise<void> {
  const clock: Clock & { at: number } = {
    at: Number(process.argv[3]),
    now: () => clock.at,
    monotonicMs: () => clock.at,
  };
  let writesLeft = Infinity;
  const doomed: Disk = {
    ...realDisk,
    writeSync: ((fd: number, bytes: Buffer, offset: number, length: number) => {
      writesLeft -= 1;
      if (writesLeft > 0) return fs.writeSync(fd, bytes, offset, length);
      fs.writeSync(fd, bytes, offset, Math.floor(length / 2));
      fs.writeSync(1, 'now\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      return 0;
    }) as Disk['writeSync'],
  };
  const agent = Agent.open(loadClientConfig(configFile, {}), { clock, log: silentLog, disk: doomed });
  fs.writeSync(1, 'open\n');
  for await (const line of createInterface(process.stdin)) {
    const [word = '', number = ''] = line.split(' ');
    if (word === 'doom') writesLeft = Number(number);
    else clock.at = Number(number);
    if (word === 'look') await agent.look();
    if (word === 'deliver') await agent.deliver();
    fs.writeSync(1, `${line} ${agent.waitingCount}\n`);
  }
  agent.close();
}

await run(process.argv[2] ?? '');
