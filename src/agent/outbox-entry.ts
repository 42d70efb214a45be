import type { Call } from './calls.js';
import { keyOf, type KnownGuest } from './changes.js';
import type { KnownState } from './state-file.js';

/** One call that waits, and the guest as it is known once the call is told. */
export interface Entry {
  /** Counted up over all lives of the agent. */
  n: number;
  call: Call;
  /** Null for a heartbeat. */
  guest: KnownGuest | null;
  /** False while it is in memory alone. */
  isSaved: boolean;
}

/** An entry as a line of the outbox. */
export function lineOf({ n, call, guest }: Entry): string {
  return JSON.stringify(guest === null ? { n, call } : { n, call, guest });
}

/** The line that says that an entry waits no more. */
export function settledLine(n: number): string {
  return JSON.stringify({ settled: n });
}

export function entryBytes(entry: Entry): number {
  return Buffer.byteLength(lineOf(entry)) + 1;
}

export interface ReadEntries {
  waiting: Entry[];
  known: KnownGuest[];
  /** The highest number given to an entry so far. */
  lastN: number;
  damagedCount: number;
}

/** What the lines of an outbox amount to, beside the state that was stored last. Under another name of the node nothing is known. */
export function readEntries(lines: readonly string[], state: KnownState | null, node: string): ReadEntries {
  const waiting = new Map<number, Entry>();
  const stored = state?.node === node ? state.guests : [];
  const known = new Map(stored.map((guest) => [keyOf(guest), guest]));
  const storedN = state?.n ?? 0;
  let lastN = storedN;
  let damagedCount = 0;
  for (const line of lines) {
    const read = parsed(line);
    if (read === null) damagedCount += 1;
    else if (read.settled !== undefined) waiting.delete(read.settled);
    else if (read.n !== undefined && read.call !== undefined) {
      const { n, call, guest = null } = read;
      waiting.set(n, { n, call, guest, isSaved: true });
      lastN = Math.max(lastN, n);
      const isNewer = n > storedN && call.body['node'] === node;
      if (guest !== null && isNewer) known.set(keyOf(guest), guest);
    }
  }
  return { waiting: [...waiting.values()], known: [...known.values()], lastN, damagedCount };
}

interface ReadLine {
  n?: number;
  call?: Call;
  guest?: KnownGuest;
  settled?: number;
}

function parsed(line: string): ReadLine | null {
  try {
    const value = JSON.parse(line) as unknown;
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}
