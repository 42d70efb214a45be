import { existsSync } from 'node:fs';
import type { Config, NodeConfig } from '../config/config.js';
import { clashOf } from '../config/nodes.js';
import type { Database } from '../ledger/database.js';
import { reachDatabase } from './with-database.js';

/** The nodes of the database with their tokens, and a sentence for each that cannot be used. */
export interface StoredNodes {
  nodes: NodeConfig[];
  problems: string[];
}

/** Reads the entries that the database holds and writes nothing: a database without tables, or one not made yet, holds none. */
export async function storedNodes(config: Config): Promise<StoredNodes> {
  const { database } = config;
  if (database.type === 'sqlite' && !existsSync(database.file)) return { nodes: [], problems: [] };
  let db: Database | null = null;
  try {
    db = await reachDatabase(config);
    return (await db.reader.schema.hasTable('node_entries')) ? await usable(config, db) : { nodes: [], problems: [] };
  } catch (error) {
    return { nodes: [], problems: [`the entries of the database cannot be read: ${messageOf(error)}`] };
  } finally {
    await db?.close();
  }
}

async function usable(config: Config, db: Database): Promise<StoredNodes> {
  const [{ listEntries, tokenOf }, { createSecretBox }] = await Promise.all([
    import('../ledger/stores/node-entries.js'),
    import('../secrets.js'),
  ]);
  const box = createSecretBox(config.security.secretKeyFile);
  const found: StoredNodes = { nodes: [], problems: [] };
  for (const entry of await listEntries(db.reader)) {
    const { name } = entry.node;
    const clash = clashOf(config.nodes, entry.node);
    if (clash !== null) {
      found.problems.push(`${name}: ${clash}`);
      continue;
    }
    try {
      found.nodes.push({ ...entry.node, tokenValue: tokenOf(entry, box) });
    } catch (error) {
      found.problems.push(`${name}: ${messageOf(error)}`);
    }
  }
  return found;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
