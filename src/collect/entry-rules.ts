import type { NodeConfig } from '../config/config.js';
import { EntryError, type EntryFields } from '../core/node-entries.js';
import { isUniqueViolation } from '../ledger/database.js';
import { tokenOf, type StoredEntry } from '../ledger/stores/node-entries.js';
import type { SecretBox } from '../secrets.js';

/** True where the fields name an entry that is there, and its token was made anew: the same name, server, user and token name. */
export function isRenewal(node: StoredEntry['node'], fields: EntryFields): boolean {
  return (
    node.name === fields['name'] &&
    node.host === fields['host'] &&
    node.port === (fields['port'] ?? 8006) &&
    node.user === fields['user'] &&
    node.tokenName === fields['token_name']
  );
}

/** The stored token of an entry whose form left it empty. */
export function keptToken(known: StoredEntry, box: SecretBox): string {
  try {
    return tokenOf(known, box);
  } catch {
    throw tokenError('is needed: the stored token cannot be read with the secret key of this manager');
  }
}

/** A fault of the token. */
export function tokenError(message: string): EntryError {
  return new EntryError([{ field: 'token_value', message }]);
}

/** What a change came to; where another manager stored an entry of that name or address at the same moment, an EntryError. */
export async function orTaken<T>(change: Promise<T>): Promise<T> {
  return change.catch((error: unknown) => {
    if (!isUniqueViolation(error)) throw error;
    throw new EntryError([{ field: 'name', message: 'or the address is taken by another entry', isTaken: true }]);
  });
}

/** The entry with its new token: whatever else a person chose of it stays, for the relay knows nothing of that. */
export function renewed(known: StoredEntry['node'], given: NodeConfig): NodeConfig {
  const { tokenValue, trust, journal } = given;
  // The leaf certificate may have been renewed with it; a CA that was given stays trusted.
  const isPinned = known.trust.kind === 'fingerprint';
  return { ...known, tokenValue, trust: isPinned ? trust : known.trust, journal: known.journal || journal };
}
