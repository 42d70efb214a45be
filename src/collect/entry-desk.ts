import type { Clock } from '../clock.js';
import type { Config, NodeConfig } from '../config/config.js';
import { ConflictError, type NodeRemoval, type Speaker } from '../core/management.js';
import {
  EntryError,
  SpentKeyError,
  type AddedEntry,
  type EntryFault,
  type EntryFields,
  type EntryTest,
  type EntryView,
  type NodeEntries,
} from '../core/node-entries.js';
import { revokeKey, writeAudit } from '../ledger/access.js';
import { inTransaction, type Database, type Trx } from '../ledger/database.js';
import { nodeNamed, type NodeRow } from '../ledger/stores/clusters.js';
import { deleteEntry, insertEntry, listEntries, updateEntry, type StoredEntry } from '../ledger/stores/node-entries.js';
import type { Log } from '../log.js';
import type { SecretBox } from '../secrets.js';
import { isSameServer } from './entry-book.js';
import { isRenewal, keptToken, orTaken, renewed, tokenError } from './entry-rules.js';
import { testOf } from './entry-test.js';
import { auditedEntry, entryView, unusedView } from './entry-view.js';
import type { Entry } from './member.js';
import type { Roster } from './roster.js';
import { leadsTo } from './routes.js';

/** How entries from outside are judged; the configuration's rules, which app.ts hands in. */
export interface EntryChecks {
  check(fields: EntryFields, others: readonly NodeConfig[]): { node: NodeConfig } | { faults: EntryFault[] };
  read(text: string): { fields: EntryFields } | { faults: EntryFault[] };
  /** Why a stored entry is not used beside those of the configuration; null where it is. */
  clash(configured: readonly NodeConfig[], stored: StoredEntry['node']): string | null;
}

export interface EntryDeskParts {
  config: Config;
  db: Database;
  clock: Clock;
  log: Log;
  box: SecretBox;
  checks: EntryChecks;
  roster: Roster;
  /** Polls the nodes that the entry leads to; not waited for. */
  pollSoon: (entry: Entry) => void;
  removeNode: (wish: NodeRemoval) => Promise<number>;
}

/** Adds, changes and takes away entries of `nodes:` while the manager runs. All managers see them at their next round. */
export class EntryDesk implements NodeEntries {
  constructor(private readonly parts: EntryDeskParts) {}

  async list(): Promise<EntryView[]> {
    const { roster } = this.parts;
    await roster.recall();
    await roster.refresh();
    const members = [...roster.members.values()];
    const used = roster.entries.map((entry) => entryView(entry, members, roster.entries));
    return [...used, ...[...roster.book.unused.values()].map(({ stored, sentence }) => unusedView(stored, sentence))];
  }

  read(text: string): EntryFields {
    const read = this.parts.checks.read(text);
    if ('faults' in read) throw new EntryError(read.faults);
    return read.fields;
  }

  async add(fields: EntryFields, speaker: Speaker, spendKeyId: number | null = null): Promise<AddedEntry> {
    const { clock, roster, db } = this.parts;
    await roster.recall();
    const { node, isNew } = await orTaken(
      inTransaction(db, async (trx) => {
        if (spendKeyId !== null && !(await revokeKey(trx, spendKeyId, clock.now()))) {
          throw new SpentKeyError('The enrol key was used already: it is good for one node.');
        }
        return this.store(trx, fields, speaker);
      }),
    );
    const entry = await this.meet(node.name);
    return { ...(await this.rowOf(node, entry)), isNew, error: entry?.error ?? null };
  }

  /** The same server, user and token name under the same name: its token was made anew, and the entry takes it. */
  private async store(trx: Trx, fields: EntryFields, speaker: Speaker): Promise<{ node: NodeConfig; isNew: boolean }> {
    const { clock, box } = this.parts;
    const stored = await listEntries(trx, { lock: true });
    const known = stored.find(({ node }) => isRenewal(node, fields));
    const judged = this.judged(fields, stored, known);
    const node = known === undefined ? judged : renewed(known.node, judged);
    const now = clock.now();
    if (known === undefined) await insertEntry(trx, node, { box, actor: speaker.actor }, now);
    else await updateEntry(trx, known.id, node, box, now);
    const before = known === undefined ? {} : { before: auditedEntry(known.node) };
    const after = { ...auditedEntry(node), token: known === undefined ? 'set' : 'replaced' };
    const action = known === undefined ? 'entry.add' : 'entry.edit';
    await writeAudit(trx, { ...speaker, at: now, action, subject: node.name, ...before, after });
    return { node, isNew: known === undefined };
  }

  async edit(name: string, fields: EntryFields, speaker: Speaker): Promise<void> {
    const { clock, box, db } = this.parts;
    await orTaken(
      inTransaction(db, async (trx) => {
        const stored = await listEntries(trx, { lock: true });
        const known = this.storedEntry(stored, name);
        const isKept = (fields['token_value'] ?? '') === '';
        const token = isKept ? { token_value: keptToken(known, box) } : {};
        const node = this.judged({ ...fields, name, ...token }, stored, known);
        if (isKept && !isSameServer(node, known.node)) {
          throw tokenError('is needed where host or port change: the stored token is sent to no other server');
        }
        const now = clock.now();
        await updateEntry(trx, known.id, node, box, now);
        const after = { ...auditedEntry(node), token: isKept ? 'kept' : 'replaced' };
        const entry = { ...speaker, at: now, action: 'entry.edit', subject: name };
        await writeAudit(trx, { ...entry, before: auditedEntry(known.node), after });
      }),
    );
    await this.meet(name);
  }

  async remove(
    name: string,
    speaker: Speaker,
    { isPurged = false }: { isPurged?: boolean } = {},
  ): Promise<{ nodes: string[]; sessionCount: number }> {
    const { roster, db, clock } = this.parts;
    await roster.recall();
    await roster.refresh();
    const wishes = await this.ledOnlyBy(name, { isPurged, speaker });
    await inTransaction(db, async (trx) => {
      const known = this.storedEntry(await listEntries(trx, { lock: true }), name);
      await deleteEntry(trx, known.id);
      const entry = { ...speaker, at: clock.now(), action: 'entry.remove', subject: name };
      await writeAudit(trx, { ...entry, before: auditedEntry(known.node) });
    });
    await roster.refresh();
    const nodes: string[] = [];
    let sessionCount = 0;
    for (const wish of wishes) {
      if (roster.members.has(wish.nodeId)) continue;
      sessionCount += await this.parts.removeNode(wish);
      nodes.push(wish.node);
    }
    return { nodes, sessionCount };
  }

  async test(name: string): Promise<EntryTest> {
    const { roster, config, clock, log } = this.parts;
    await roster.refresh();
    const unused = roster.book.unused.get(name);
    if (unused !== undefined) return { ok: false, sentence: unused.sentence, lines: [] };
    const entry = roster.entries.find((one) => one.config.name === name);
    if (entry === undefined) throw new ConflictError(`There is no entry "${name}".`);
    return testOf(entry.config, config.polling, { clock, log });
  }

  private judged(fields: EntryFields, stored: readonly StoredEntry[], known: StoredEntry | undefined): NodeConfig {
    const beside = stored.filter((one) => one !== known).map(({ node }) => ({ ...node, tokenValue: '' }));
    const verdict = this.parts.checks.check(fields, [...this.parts.config.nodes, ...beside]);
    if ('faults' in verdict) throw new EntryError(verdict.faults);
    return verdict.node;
  }

  private storedEntry(stored: readonly StoredEntry[], name: string): StoredEntry {
    const known = stored.find(({ node }) => node.name === name);
    if (known !== undefined) return known;
    const isNamed = this.parts.config.nodes.some((node) => node.name === name);
    throw new ConflictError(
      isNamed
        ? `The node "${name}" is named in config.yaml: change it there, and restart the manager.`
        : `There is no entry "${name}".`,
    );
  }

  /** Asks the entry's server who it is, and has its nodes polled; what goes wrong is the entry's error. */
  private async meet(name: string): Promise<Entry | null> {
    const { roster, log } = this.parts;
    await roster.refresh();
    const entry = roster.entries.find(({ config }) => config.name === name) ?? null;
    if (entry === null) return null;
    try {
      await roster.introduce(entry);
      this.parts.pollSoon(entry);
    } catch (error) {
      // The entry is stored all the same: the next round asks it again.
      log.error('a new entry could not be met', { entry: name, error: String(error) });
      entry.error ??= 'it could not be asked; see the log';
    }
    return entry;
  }

  private async rowOf(node: NodeConfig, entry: Entry | null): Promise<{ nodeId: number; name: string }> {
    const members = [...this.parts.roster.members.values()];
    const own = members.find(
      ({ ledger, node: local }) => ledger.clusterId === entry?.clusterId && local === entry.localNode,
    );
    if (own !== undefined) return { nodeId: own.nodeId, name: own.name };
    const row = await nodeNamed(this.parts.db.writer, node.name);
    if (row === null) throw new Error(`the entry ${node.name} has no node`);
    return { nodeId: row.id, name: row.name };
  }

  /**
   * The nodes whose tracking ends with the entry. Where it leads to no member, that is the row of its name: of a server that
   * never answered, or that was met at another address before the entry was edited.
   */
  private async ledOnlyBy(name: string, how: Pick<NodeRemoval, 'isPurged' | 'speaker'>): Promise<NodeRemoval[]> {
    const { roster, db } = this.parts;
    const entry = roster.entries.find((one) => one.config.name === name && one.stored !== null);
    const others = roster.entries.filter((one) => one !== entry);
    const led = [...roster.members.values()]
      // One that is not in use leads nowhere.
      .filter((member) => entry !== undefined && leadsTo(entry, member))
      .filter((member) => !others.some((other) => leadsTo(other, member)))
      .map((member) => ({ node: member.name, nodeId: member.nodeId, clusterId: member.ledger.clusterId, ...how }));
    if (led.length > 0) return led;
    const row = await nodeNamed(db.writer, name);
    const server = entry?.config ?? roster.book.unused.get(name)?.stored.node;
    // One of the same address leads there too, though it may not have been asked yet.
    const isShared = (other: Entry): boolean =>
      (row !== null && isOf(other, row)) || (server !== undefined && isSameServer(other.config, server));
    if (row === null || !row.isActive || others.some(isShared)) return [];
    return [{ node: row.name, nodeId: row.id, clusterId: row.clusterId, ...how }];
  }
}

/** True where the row is that of the entry, met or not, or of a node that it leads to. */
function isOf(entry: Entry, row: NodeRow): boolean {
  return entry.config.name === row.name || leadsTo(entry, { ledger: row, node: row.proxmoxName });
}
