import { readWhole, writeAll, writeWhole, type Disk } from './whole-file.js';

const NEWLINE = 0x0a;

/**
 * A file of lines that only grows at its end, or is replaced whole. A line that was cut off by a kill, a power cut or a full disk
 * is taken out again, so that every line in it was written whole.
 */
export class LineFile {
  private fd: number;
  /** How much of the file is whole lines. */
  private whole: number;
  /** True while bytes beyond `whole` may be in the file. */
  private isRagged = false;

  private constructor(
    private readonly path: string,
    private readonly disk: Disk,
    whole: number,
    isRagged: boolean,
  ) {
    this.fd = disk.openSync(path, 'a', 0o600);
    this.whole = whole;
    this.isRagged = isRagged;
  }

  /** Opens the file, made where it is not there: it and its whole lines. Throws what the disk says. */
  static open(path: string, disk: Disk): { file: LineFile; lines: string[] } {
    const bytes = readWhole(disk, path) ?? Buffer.alloc(0);
    const whole = bytes.lastIndexOf(NEWLINE) + 1;
    const file = new LineFile(path, disk, whole, whole < bytes.length);
    const lines = bytes.subarray(0, whole).toString('utf8').split('\n').slice(0, -1);
    return { file, lines };
  }

  get bytes(): number {
    return this.whole;
  }

  /** Adds lines; with `isDurable` they outlive a power cut once it returns. Throws what the disk says, and the file is then as before. */
  append(lines: readonly string[], isDurable: boolean): void {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    this.mend();
    this.isRagged = true;
    try {
      writeAll(this.disk, this.fd, bytes);
      if (isDurable) this.disk.fsyncSync(this.fd);
    } catch (error) {
      this.tryToMend();
      throw error;
    }
    this.isRagged = false;
    this.whole += bytes.length;
  }

  /** Puts these lines in the place of all, whole or not at all. Throws what the disk says. */
  replace(lines: readonly string[]): void {
    const text = lines.map((line) => `${line}\n`).join('');
    writeWhole(this.disk, this.path, text);
    const fd = this.disk.openSync(this.path, 'a', 0o600);
    this.disk.closeSync(this.fd);
    this.fd = fd;
    this.whole = Buffer.byteLength(text);
    this.isRagged = false;
  }

  close(): void {
    this.disk.closeSync(this.fd);
  }

  /** A part of a line would make the next one senseless too. Cutting off needs no room, also on a full disk. */
  private mend(): void {
    if (!this.isRagged) return;
    this.disk.ftruncateSync(this.fd, this.whole);
    this.isRagged = false;
  }

  private tryToMend(): void {
    try {
      this.mend();
    } catch {
      // It stays ragged, and the next append begins with this.
    }
  }
}
