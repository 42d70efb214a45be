import fs from 'node:fs';
import { codeOf } from './whole-file.js';

/** Two agents on one outbox would each undo what the other wrote. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
}

/** Takes the lock, or throws LockedError where another process that lives has it; yields what gives it back. A killed process's lock is taken over. */
export function takeLock(path: string): () => void {
  for (let tries = 0; tries < 2; tries += 1) {
    try {
      fs.writeFileSync(path, ownMark(), { flag: 'wx', mode: 0o600 });
      return () => fs.rmSync(path, { force: true });
    } catch (error) {
      if (codeOf(error) === 'EEXIST') removeDead(path);
      // Without room for the mark there is no lock, which must not keep an agent from its work.
      else if (['ENOSPC', 'EDQUOT'].includes(codeOf(error))) return () => fs.rmSync(path, { force: true });
      else throw error;
    }
  }
  throw new LockedError(`another agent was faster to take ${path}: one agent alone may run on it`);
}

function removeDead(path: string): void {
  const mark = readOrNull(path) ?? '';
  const [pid = '', born = ''] = mark.trim().split(' ');
  const isAlive = /^\d+$/.test(pid) && born !== '' && bornOf(pid) === born;
  if (isAlive) {
    throw new LockedError(
      `another agent (process ${pid}) works with ${path.replace(/\.lock$/, '')}: stop it first, or give this one a state_file of its own`,
    );
  }
  fs.rmSync(path, { force: true });
}

function ownMark(): string {
  return `${process.pid} ${bornOf(String(process.pid)) ?? 'unknown'}\n`;
}

/** When a process began, in the kernel's ticks: pids are used again. Null where it is gone, or where there is no /proc. */
function bornOf(pid: string): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  // The name in brackets may hold blanks and brackets itself; the start is the 20th field after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function readOrNull(path: string): string | null {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
