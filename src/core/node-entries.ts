import type { Speaker } from './management.js';

/** The fields of an entry of `nodes:` by their names there, as a person or a program gave them. */
export type EntryFields = Record<string, unknown>;

/** What is wrong with one field: how the sentence goes on after its name. `entry`: the pasted text as a whole. */
export interface EntryFault {
  field: string;
  message: string;
  /** True where it is fine but for another entry, which has that already. */
  isTaken?: boolean;
}

/** An entry that cannot work, with all that is wrong with it. */
export class EntryError extends Error {
  override name = 'EntryError';

  constructor(readonly faults: readonly EntryFault[]) {
    super(faults.map(({ field, message }) => `${field} ${message}`).join('; '));
  }
}

/** The enrol key was used in the meantime: it is good for one node. */
export class SpentKeyError extends Error {
  override name = 'SpentKeyError';
}

/** How an entry stands: `waiting` was not asked yet, `partial` lacks a privilege, `unused` is stored but cannot be used. */
export type EntryState = 'waiting' | 'online' | 'partial' | 'failing' | 'unused';

/** An entry as people see it: never its token. */
export interface EntryView {
  name: string;
  host: string;
  port: number;
  user: string;
  tokenName: string;
  trust: { kind: 'fingerprint' | 'ca_file' | 'public_ca' | 'unverified'; sha256?: string; pem?: string };
  scope: 'cluster' | 'node';
  journal: boolean;
  agentNames: readonly string[];
  origin: 'config' | 'database';
  state: EntryState;
  /** What is missing or wrong, as a sentence; null where nothing is. */
  problem: string | null;
  /** Wire name of its own node; null until that answered. */
  node: string | null;
  /** Wire names of the nodes that are polled by it, alone or beside others. */
  nodes: readonly string[];
  /** Of these, the ones that no other entry leads to. */
  onlyNodes: readonly string[];
}

export interface AddedEntry {
  /** The node's row and wire name; of an entry whose server has not answered yet, those that its first answer keeps where it can. */
  nodeId: number;
  name: string;
  /** False where it replaced the token of an entry that was there. */
  isNew: boolean;
  /** Why its server does not answer; null where it does. */
  error: string | null;
}

/** What a test of an entry found, as lines for people. */
export interface EntryTest {
  ok: boolean;
  sentence: string;
  /** Further lines: privileges, guests, warnings. */
  lines: readonly string[];
}

/** The entries of `nodes:`, in the configuration and in the database; each call rejects with EntryError or ConflictError. */
export interface NodeEntries {
  list(): Promise<EntryView[]>;
  /** The fields of a pasted entry. */
  read(text: string): EntryFields;
  /** Stores an entry and polls it at once. An enrol key (`spendKeyId`) is spent by it. */
  add(fields: EntryFields, speaker: Speaker, spendKeyId?: number | null): Promise<AddedEntry>;
  /** Replaces an entry's fields; an empty token keeps the stored one, the name stays. */
  edit(name: string, fields: EntryFields, speaker: Speaker): Promise<void>;
  /** Takes an entry away and ends the tracking of the nodes that only it led to; yields their names and how many sessions were deleted. */
  remove(
    name: string,
    speaker: Speaker,
    options?: { isPurged?: boolean },
  ): Promise<{ nodes: string[]; sessionCount: number }>;
  /** Asks the entry's server everything that a poll will ask. */
  test(name: string): Promise<EntryTest>;
}
