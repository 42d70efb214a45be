import type { Config, NodeConfig } from '../config/config.js';
import type { Database } from '../ledger/database.js';
import { listEntries, tokenOf, type StoredEntry } from '../ledger/stores/node-entries.js';
import type { Log } from '../log.js';
import type { ProxmoxApi } from '../proxmox/client.js';
import type { SecretBox } from '../secrets.js';
import type { EntryChecks } from './entry-desk.js';
import type { Entry } from './member.js';

export interface BookParts {
  config: Config;
  db: Database;
  log: Log;
  /** Opens the tokens of the entries that the database holds. */
  box: SecretBox;
  checks: Pick<EntryChecks, 'clash'>;
  /** A client of the entry's server with its token. */
  clientFor: (entry: Pick<Entry, 'config' | 'localNode' | 'clusterId'>) => ProxmoxApi;
}

/** What a look into the database changed; a changed entry is one that left and one that came. */
export interface EntryChanges {
  came: Entry[];
  left: Entry[];
}

/** The entries of `nodes:` that are in use: those of the configuration, then those that the database holds. */
export class EntryBook {
  entries: readonly Entry[];
  /** Stored entries that cannot be used, by their names, each with the sentence that says why. */
  readonly unused = new Map<string, { stored: StoredEntry; sentence: string }>();
  private refreshing: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: BookParts) {
    this.entries = parts.config.nodes.map((config) => this.entryFor(config, null));
  }

  /** Reads the stored entries anew, one look after another. */
  refresh(): Promise<EntryChanges> {
    const changes = this.refreshing.then(() => this.readAnew());
    this.refreshing = changes.catch(() => undefined);
    return changes;
  }

  private async readAnew(): Promise<EntryChanges> {
    const rows = await listEntries(this.parts.db.reader);
    const before = this.entries.filter(({ stored }) => stored !== null);
    const kept = this.entries.filter(({ stored }) => stored === null);
    const unusedBefore = new Map(this.unused);
    this.unused.clear();
    for (const row of rows) {
      const known = before.find(({ stored }) => stored?.id === row.id);
      const fault = this.parts.checks.clash(this.parts.config.nodes, row.node);
      if (fault === null && known?.stored?.revision === row.revision) kept.push(known);
      else if (fault === null) this.take(row, known, kept);
      else this.unused.set(row.node.name, { stored: row, sentence: fault });
    }
    for (const [name, { sentence }] of this.unused) {
      if (unusedBefore.get(name)?.sentence !== sentence) this.parts.log.warn(`${name}: ${sentence}`);
    }
    this.entries = kept;
    const left = before.filter((entry) => !kept.includes(entry));
    return { came: kept.filter(({ stored }) => stored !== null).filter((entry) => !before.includes(entry)), left };
  }

  private take(row: StoredEntry, known: Entry | undefined, kept: Entry[]): void {
    try {
      const config = { ...row.node, tokenValue: tokenOf(row, this.parts.box) };
      const entry = this.entryFor(config, { id: row.id, revision: row.revision });
      // At the same address it is the same node: its members go on being polled while it is asked again.
      if (known !== undefined && isSameServer(known.config, config)) {
        entry.localNode = known.localNode;
        entry.clusterId = known.clusterId;
      }
      kept.push(entry);
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      this.unused.set(row.node.name, { stored: row, sentence });
    }
  }

  private entryFor(config: NodeConfig, stored: Entry['stored']): Entry {
    const entry: Omit<Entry, 'api' | 'through'> = {
      config,
      stored,
      localNode: null,
      clusterId: null,
      askedAt: null,
      error: null,
      asking: null,
      missing: null,
      seesPools: false,
      probedAt: null,
    };
    const whole = entry as Entry;
    whole.api = this.parts.clientFor(whole);
    whole.through = this.parts.clientFor(whole);
    return whole;
  }
}

/** True where both name the same address. */
export function isSameServer(a: Pick<NodeConfig, 'host' | 'port'>, b: Pick<NodeConfig, 'host' | 'port'>): boolean {
  return a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port;
}

/** Closes the clients once what is under way is over: a poll that is cut off would look like a node that is down. */
export function closeWhenIdle(
  ways: readonly Pick<Entry, 'api' | 'through' | 'asking'>[],
  polls: readonly (Promise<unknown> | null)[],
): void {
  const busy = [...polls, ...ways.map(({ asking }) => asking)].map((one) => Promise.resolve(one));
  void Promise.allSettled(busy).then(() => {
    for (const { api, through } of ways) {
      api.close();
      through.close();
    }
  });
}
