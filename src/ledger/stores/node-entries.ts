import type { NodeConfig, NodeTrust } from '../../config/config.js';
import type { SecretBox } from '../../secrets.js';
import type { Queryable, Trx } from '../database.js';

/** An entry of `nodes:` that the database holds, its token still sealed. */
export interface StoredEntry {
  id: number;
  /** Rises with each change. */
  revision: number;
  node: Omit<NodeConfig, 'tokenValue'>;
  tokenSealed: string;
  createdBy: string;
  createdAt: number;
  updatedAt: number;
}

interface EntryRow {
  id: number;
  name: string;
  host: string;
  port: number;
  user: string;
  token_name: string;
  token_sealed: string;
  trust: NodeTrust['kind'];
  fingerprint: string | null;
  ca_pem: string | null;
  scope: 'cluster' | 'node';
  is_journal: number;
  agent_names: string;
  revision: number;
  created_by: string;
  created_at: number;
  updated_at: number;
}

/** All stored entries by their names; `lock` keeps others from changing them until the transaction is over. */
export async function listEntries(db: Queryable, { lock = false } = {}): Promise<StoredEntry[]> {
  const query = db('node_entries').orderBy(['name', 'id']);
  if (lock) void query.forUpdate();
  return ((await query) as EntryRow[]).map(entryOf);
}

/** True while the entry is there. */
export async function hasEntry(db: Queryable, id: number): Promise<boolean> {
  return (await db('node_entries').where({ id }).first('id')) !== undefined;
}

/** The entry's token; throws a SecretKeyError where it was sealed with another key. */
export function tokenOf(entry: StoredEntry, box: SecretBox): string {
  return box.open(entry.tokenSealed, contextOf(entry.node.name));
}

/** Stores a new entry and yields its id; a name or an address that is taken is a unique violation. */
export async function insertEntry(
  trx: Trx,
  node: NodeConfig,
  by: { box: SecretBox; actor: string },
  now: number,
): Promise<number> {
  const [id] = (await trx('node_entries').insert({
    ...columnsOf(node, by.box),
    revision: 1,
    created_by: by.actor.slice(0, 255),
    created_at: now,
    updated_at: now,
  })) as number[];
  if (id === undefined) throw new Error('the database gave a new entry no id');
  return id;
}

/** Replaces all that the entry says. */
export async function updateEntry(trx: Trx, id: number, node: NodeConfig, box: SecretBox, now: number): Promise<void> {
  await trx('node_entries')
    .where({ id })
    .update({ ...columnsOf(node, box), updated_at: now })
    .increment('revision', 1);
}

/** Takes the entry away. */
export async function deleteEntry(trx: Trx, id: number): Promise<void> {
  await trx('node_entries').where({ id }).delete();
}

function contextOf(name: string): string {
  return `the token of the node entry "${name}"`;
}

function columnsOf(node: NodeConfig, box: SecretBox): Record<string, unknown> {
  const { trust } = node;
  return {
    name: node.name,
    host: node.host,
    port: node.port,
    user: node.user,
    token_name: node.tokenName,
    token_sealed: box.seal(node.tokenValue, contextOf(node.name)),
    trust: trust.kind,
    fingerprint: trust.kind === 'fingerprint' ? trust.sha256 : null,
    ca_pem: trust.kind === 'ca_file' ? trust.pem : null,
    scope: node.scope,
    is_journal: node.journal ? 1 : 0,
    agent_names: JSON.stringify(node.agentNames),
  };
}

function entryOf(row: EntryRow): StoredEntry {
  return {
    id: row.id,
    revision: row.revision,
    node: {
      name: row.name,
      host: row.host,
      port: row.port,
      user: row.user,
      tokenName: row.token_name,
      trust: trustOf(row),
      scope: row.scope,
      journal: row.is_journal === 1,
      agentNames: JSON.parse(row.agent_names) as string[],
    },
    tokenSealed: row.token_sealed,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function trustOf({ trust, fingerprint, ca_pem: pem }: EntryRow): NodeTrust {
  if (trust === 'fingerprint') return { kind: trust, sha256: fingerprint ?? '' };
  return trust === 'ca_file' ? { kind: trust, file: 'ca_pem', pem: pem ?? '' } : { kind: trust };
}
