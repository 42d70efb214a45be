import type { Log } from '../log.js';
import { keyOf, type KnownGuest } from './changes.js';
import { readWhole, writeWhole, type Disk } from './whole-file.js';

/** What state_file holds: what was told of each guest up to entry `n` of the outbox, under the name that the node then had. */
export interface KnownState {
  node: string;
  n: number;
  guests: KnownGuest[];
}

/** The mark by which our files are known: the agents of the field kept theirs at the same key. */
const FORMAT = 'proxmox-tracker-agent/1';

/** The stored state, null where there is none; another program's file, or a damaged one, is none and is said. */
export function readState(path: string, disk: Disk, log: Log): KnownState | null {
  const bytes = readWhole(disk, path);
  if (bytes === null) return null;
  const state = parsed(bytes.toString('utf8'));
  if (state === null) {
    log.warn('state_file holds nothing that this agent wrote: it begins anew, and tells of every guest that runs', {
      file: path,
    });
  }
  return state;
}

/** Keeps the state, whole or not at all; throws what the disk says. */
export function writeState(path: string, disk: Disk, { node, n, guests }: KnownState): void {
  const ordered = [...guests].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  writeWhole(disk, path, `${JSON.stringify({ format: FORMAT, node, n, guests: ordered })}\n`);
}

function parsed(text: string): KnownState | null {
  try {
    const value = JSON.parse(text) as Partial<KnownState> & { format?: unknown };
    if (value.format !== FORMAT || !Array.isArray(value.guests) || typeof value.node !== 'string') return null;
    return Number.isSafeInteger(value.n) ? (value as KnownState) : null;
  } catch {
    return null;
  }
}
