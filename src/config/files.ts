import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from './config-error.js';

/** A secret and its `*_file` sibling as the file holds them. */
export interface SecretKeys {
  /** Where they stand, such as `nodes[1]`. */
  section: string;
  key: string;
  value: string | null | undefined;
  fileKey: string;
  file: string | undefined;
}

/** The secret in the value or in the file that its `*_file` sibling names (line ends cut off), or '' when neither is set. Throws a ConfigError when both are. */
export function secretOf(keys: SecretKeys, folder: string): string {
  const { section, key, value, fileKey, file } = keys;
  if (file === undefined) return value ?? '';
  if (value !== undefined && value !== null && value !== '') {
    throw new ConfigError(`${section} has both ${key} and ${fileKey}: keep one of them`);
  }
  const held = readNamed(`${section}.${fileKey}`, file, folder).trim();
  if (held === '')
    throw new ConfigError(`${section}.${fileKey} names an empty file: put the value into ${resolve(folder, file)}`);
  return held;
}

/** As `secretOf`, for a key that travels in a header, which carries no blanks at its ends and no other alphabets. */
export function headerSecretOf(keys: SecretKeys, folder: string): string {
  const secret = secretOf(keys, folder);
  if (/^[\x21-\x7e]*$/.test(secret)) return secret;
  throw new ConfigError(
    `${keys.section}.${keys.key} holds a blank or a sign that no header carries: write letters, digits, - and _`,
  );
}

/** The text of a file that a key names, relative to config.yaml's folder; throws a ConfigError that names both. */
export function readNamed(key: string, file: string, folder: string): string {
  const path = resolve(folder, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(`${key} names ${path}, ${faultOf(error)}`);
  }
}

/** What is wrong with a file that could not be read, and the mend, as the end of a sentence. */
export function faultOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  switch (code) {
    case 'ENOENT':
      return 'which is not there: make it or correct the path';
    case 'EACCES':
    case 'EPERM':
      return 'which this user may not read: give it to this user (chown) or correct its mode';
    case 'EISDIR':
      return 'which is a folder: name a file';
    default:
      return `which cannot be read (${String(code)}): correct the path`;
  }
}
