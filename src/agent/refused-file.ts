import type { Clock } from '../clock.js';
import type { Log } from '../log.js';
import { isoOf, type Call } from './calls.js';
import { LineFile } from './line-file.js';
import { codeOf, type Disk } from './whole-file.js';

const MAX_BYTES = 1024 * 1024;

/** Sets a call that can never be taken aside into a file of its own, a line each, with what the manager said; the newest MiB of them is kept. */
export function setAside(
  refused: { call: Call; status: number; sentence: string },
  parts: { path: string; disk: Disk; clock: Clock; log: Log },
): void {
  const { path, disk, clock, log } = parts;
  const { call, status, sentence } = refused;
  log.error('the manager will never take this report: it is set aside, and what comes after it goes on', {
    call: call.name,
    vm_id: call.body['vm_id'],
    said: sentence,
    file: path,
  });
  try {
    const { file, lines } = LineFile.open(path, disk);
    try {
      const line = JSON.stringify({ at: isoOf(clock.now()), status, said: sentence, call });
      if (file.bytes + line.length > MAX_BYTES) file.replace(lines.slice(Math.ceil(lines.length / 2)));
      file.append([line], true);
    } finally {
      file.close();
    }
  } catch (error) {
    log.error('a report that was refused could not be set aside either', { call, error: codeOf(error) });
  }
}
