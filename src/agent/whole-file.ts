import fs from 'node:fs';
import { dirname } from 'node:path';

/** The calls on the file system that the agent's own files need: Node's own, or a test's that fail. */
export type Disk = Pick<
  typeof fs,
  'openSync' | 'writeSync' | 'fsyncSync' | 'ftruncateSync' | 'closeSync' | 'renameSync' | 'readFileSync' | 'rmSync'
>;

/** The process's own disk. */
export const realDisk: Disk = fs;

/** Puts the text in the file's place, whole or not at all, also over a power cut; throws what the disk says. Readable by its owner alone. */
export function writeWhole(disk: Disk, path: string, text: string): void {
  const draft = `${path}.new`;
  try {
    const fd = disk.openSync(draft, 'w', 0o600);
    try {
      writeAll(disk, fd, Buffer.from(text));
      disk.fsyncSync(fd);
    } finally {
      disk.closeSync(fd);
    }
    disk.renameSync(draft, path);
  } catch (error) {
    disk.rmSync(draft, { force: true });
    throw error;
  }
  syncFolder(disk, dirname(path));
}

/** Writes all bytes: one call may take only a part of them. */
export function writeAll(disk: Disk, fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;) done += disk.writeSync(fd, bytes, done, bytes.length - done);
}

/** The file's text, null where there is none. */
export function readWhole(disk: Disk, path: string): Buffer | null {
  try {
    return disk.readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  }
}

/** The system's name of a fault, such as ENOSPC. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no error code';
}

/** The new name outlives a power cut only once its folder was written. Some file systems take no such wish: the content is safe there all the same. */
function syncFolder(disk: Disk, folder: string): void {
  try {
    const fd = disk.openSync(folder, 'r');
    try {
      disk.fsyncSync(fd);
    } finally {
      disk.closeSync(fd);
    }
  } catch {
    return;
  }
}
