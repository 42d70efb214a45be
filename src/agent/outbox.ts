import type { Log } from '../log.js';
import type { Call } from './calls.js';
import { keyOf, type KnownGuest } from './changes.js';
import { LineFile } from './line-file.js';
import { entryBytes, lineOf, readEntries, settledLine, type Entry } from './outbox-entry.js';
import { readState, writeState } from './state-file.js';
import { codeOf, type Disk } from './whole-file.js';

export interface OutboxPlan {
  node: string;
  stateFile: string;
  file: string;
  /** What may wait at most; the file may take twice that. */
  maxBytes: number;
}

/** The file is written anew when it holds this much, and most of it was delivered. */
const WORTH_BYTES = 64 * 1024;

/**
 * What is to be delivered, in order, and what is known of the guests once it is. A change and what it makes known are one line
 * of the file, so that no kill parts them; `state_file` holds the same up to some line. What the disk does not take waits in memory.
 */
export class Outbox {
  readonly known = new Map<string, KnownGuest>();
  private readonly waiting: Entry[] = [];
  private waitingBytes = 0;
  private n = 0;
  private heartbeat: Entry | null = null;
  /** True where what was delivered is known to memory alone. */
  private isStateDue = false;
  private isDiskFailing = false;
  private isFull = false;

  private constructor(
    private readonly plan: OutboxPlan,
    private readonly disk: Disk,
    private readonly log: Log,
    private readonly file: LineFile,
  ) {}

  /** Opens both files, as the last life left them; throws what the disk says. */
  static open(plan: OutboxPlan, disk: Disk, log: Log): Outbox {
    const state = readState(plan.stateFile, disk, log);
    const { file, lines } = LineFile.open(plan.file, disk);
    const outbox = new Outbox(plan, disk, log, file);
    const { waiting, known, lastN, damagedCount } = readEntries(lines, state, plan.node);
    if (damagedCount > 0) log.error('lines of the outbox cannot be read and are left out', { count: damagedCount });
    for (const guest of known) outbox.known.set(keyOf(guest), guest);
    for (const entry of waiting) outbox.push(entry);
    outbox.n = lastN;
    outbox.begin();
    return outbox;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /**
   * Takes changes to be told, in order, with what each makes known; yields how many of them, less where the bound is reached:
   * the rest is not known, and shows again at the next look.
   */
  note(changes: readonly { call: Call; guest: KnownGuest }[]): number {
    let count = 0;
    for (const { call, guest } of changes) {
      const entry = this.entry(call, guest);
      if (!this.makeRoom(entryBytes(entry))) break;
      // The last heartbeat before a change says until when the state before it held.
      if (this.heartbeat !== null) this.push(this.heartbeat);
      this.heartbeat = null;
      this.push(entry);
      this.known.set(keyOf(guest), guest);
      count += 1;
    }
    this.tellFull(count < changes.length);
    this.save();
    return count;
  }

  /** What a look showed of a guest that nothing is to be told of; written down when the state is next. */
  look(guest: KnownGuest): void {
    this.known.set(keyOf(guest), guest);
  }

  /** Nothing is known of the guest any more. */
  forget(guest: KnownGuest): void {
    this.known.delete(keyOf(guest));
  }

  /** The newest heartbeat takes the place of the one before; it goes out when all else is delivered. */
  setHeartbeat(call: Call): void {
    this.heartbeat = this.entry(call, null);
  }

  /** What is to be delivered next; null where nothing waits. */
  head(): Entry | null {
    return this.waiting[0] ?? this.heartbeat;
  }

  /** The entry was delivered, or set aside for good. */
  settle(entry: Entry): void {
    if (entry === this.heartbeat) {
      this.heartbeat = null;
      return;
    }
    if (!this.remove(entry)) return;
    if (!entry.isSaved) this.isStateDue = true;
    // Where this line is lost the entry is delivered twice, which its event_id makes harmless: it is not waited for.
    this.writing(() => this.file.append([settledLine(entry.n)], false));
    if (this.file.bytes > WORTH_BYTES && this.file.bytes > 2 * this.waitingBytes) this.writing(() => this.compact());
  }

  /** Tries to write what the disk did not take before. */
  save(): void {
    const unsaved = this.waiting.filter(({ isSaved }) => !isSaved);
    if (!this.isStateDue && unsaved.length === 0) return;
    this.writing(() => {
      if (this.isStateDue) this.compact();
      else this.file.append(unsaved.map(lineOf), true);
      for (const entry of unsaved) entry.isSaved = true;
    });
  }

  /** Keeps all that waits, the last heartbeat too. */
  close(): void {
    if (this.heartbeat !== null && this.waiting.length > 0) this.push(this.heartbeat);
    this.heartbeat = null;
    this.writing(() => this.compact());
    this.file.close();
  }

  /** Shows at once whether the files can be written; a full disk is no reason not to begin. */
  private begin(): void {
    try {
      this.compact();
    } catch (error) {
      if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error))) throw error;
      this.writing(() => {
        throw error;
      });
    }
  }

  private compact(): void {
    // The state first: where this is cut off in between, the file's lines tell no more than it.
    writeState(this.plan.stateFile, this.disk, { node: this.plan.node, n: this.n, guests: [...this.known.values()] });
    this.file.replace(this.waiting.map(lineOf));
    for (const entry of this.waiting) entry.isSaved = true;
    this.isStateDue = false;
  }

  private entry(call: Call, guest: KnownGuest | null): Entry {
    return { n: ++this.n, call, guest, isSaved: false };
  }

  private push(entry: Entry): void {
    this.waiting.push(entry);
    this.waitingBytes += entryBytes(entry);
  }

  private remove(entry: Entry): boolean {
    const index = this.waiting.indexOf(entry);
    if (index === -1) return false;
    this.waiting.splice(index, 1);
    this.waitingBytes -= entryBytes(entry);
    return true;
  }

  /** Heartbeats only narrow bounds: of these the oldest go first. */
  private makeRoom(bytes: number): boolean {
    const { maxBytes } = this.plan;
    while (this.waitingBytes + bytes > maxBytes) {
      const oldest = this.waiting.find(({ call }) => call.name === 'heartbeat');
      if (oldest === undefined) return false;
      this.settle(oldest);
    }
    return true;
  }

  private tellFull(isFull: boolean): void {
    if (isFull && !this.isFull) {
      this.log.error(
        'the outbox is full: what waits in it is kept, and what changes from now on is told when there is room again, as it is seen then',
        { file: this.plan.file, waiting: this.waiting.length, max_bytes: this.plan.maxBytes },
      );
    }
    if (!isFull && this.isFull) this.log.info('the outbox has room again', { waiting: this.waiting.length });
    this.isFull = isFull;
  }

  private writing(write: () => void): void {
    try {
      write();
      if (this.isDiskFailing) this.log.info('the outbox is written to its disk again', { file: this.plan.file });
      this.isDiskFailing = false;
    } catch (error) {
      if (!this.isDiskFailing) {
        this.log.error(
          'the outbox cannot be written: what it holds is kept, and what comes waits in memory, where a kill would lose it. Make room on its disk',
          { file: this.plan.file, error: codeOf(error) },
        );
      }
      this.isDiskFailing = true;
    }
  }
}
