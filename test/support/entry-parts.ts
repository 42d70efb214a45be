import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { entryChecks } from '../../src/config/entry.js';
import { createSecretBox, type SecretBox } from '../../src/secrets.js';

const held: { folder: string | null } = { folder: null };

/** A key file that lives as long as the run of the tests: the same for all who ask, as for all managers of one database. */
export function testKeyFile(): string {
  if (held.folder === null) {
    const folder = mkdtempSync(join(tmpdir(), 'tracker-key-'));
    held.folder = folder;
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
  return join(held.folder, 'secret.key');
}

/** What a Collector needs for the entries of the database. */
export function entryParts(): { box: SecretBox; checks: typeof entryChecks } {
  return { box: createSecretBox(testKeyFile()), checks: entryChecks };
}
