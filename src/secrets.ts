import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Seals secrets that the database holds. A context, such as a table, a column and a row's name, binds a sealed text to its place. */
export interface SecretBox {
  /** The text encrypted and authenticated (AES-256-GCM), as ASCII. Makes the key file where there is none yet. */
  seal(text: string, context: string): string;
  /** What was sealed in that context; throws a SecretKeyError for another key, another context or a changed text. */
  open(sealed: string, context: string): string;
}

/** Why secrets cannot be sealed or opened: one sentence with the mend, never a secret. */
export class SecretKeyError extends Error {
  override readonly name = 'SecretKeyError';
}

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const sealedForm = /^v1\.([0-9a-f]{16})\.([A-Za-z0-9_-]+)$/;

/** The box of the key in `file` (32 bytes in base64, for its owner alone), which is read at the first use and then kept. */
export function createSecretBox(file: string): SecretBox {
  let held: Buffer | null = null;
  const keyOf = (mayMake: boolean): Buffer => (held ??= readKey(file, mayMake));
  return {
    seal: (text, context) => seal(keyOf(true), text, context),
    open: (sealed, context) => open(keyOf(false), sealed, context, file),
  };
}

function seal(key: Buffer, text: string, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `v1.${idOf(key)}.${Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')}`;
}

function open(key: Buffer, sealed: string, context: string, file: string): string {
  const [, id, text] = sealedForm.exec(sealed) ?? [];
  const bytes = Buffer.from(text ?? '', 'base64url');
  if (id === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) throw damaged(context);
  if (id !== idOf(key)) {
    throw new SecretKeyError(
      `${context} was sealed with another key than the one in ${file}: all managers of one database need the same secret key`,
    );
  }
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    throw damaged(context);
  }
}

function damaged(context: string): SecretKeyError {
  return new SecretKeyError(`${context} is not what was sealed there: enter the secret anew`);
}

// Tells another key from a changed text; 64 bits of a hash say nothing of 256 random bits.
function idOf(key: Buffer): string {
  return createHash('sha256').update('proxmox-tracker secret key').update(key).digest('hex').slice(0, 16);
}

function readKey(file: string, mayMake: boolean): Buffer {
  const text = readOwn(file);
  if (text !== null) return keyIn(text, file);
  if (!mayMake) {
    throw new SecretKeyError(
      `${file} is not there, and the database holds secrets that its key sealed: copy the file from a backup or from another ` +
        'manager, for all managers of one database need the same secret key',
    );
  }
  makeKey(file);
  return keyIn(readOwn(file) ?? '', file);
}

/** The file's text, null where there is none; throws where anybody but its owner and root can come at it. */
function readOwn(file: string): string | null {
  try {
    const { mode, gid } = statSync(file);
    // A file of root's group is how systemd hands credentials over.
    const others = (mode & 0o007) | (gid === 0 ? 0 : mode & 0o070);
    if (others !== 0) {
      throw new SecretKeyError(`others can read or change the secret key in ${file}: chmod 600 ${file}`);
    }
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw error instanceof SecretKeyError ? error : new SecretKeyError(`${file} cannot be read (${codeOf(error)})`);
  }
}

function keyIn(text: string, file: string): Buffer {
  const written = text.trim();
  const key = Buffer.from(written, 'base64');
  if (/^[A-Za-z0-9+/]{43}=$/.test(written) && key.length === KEY_BYTES) return key;
  throw new SecretKeyError(
    `${file} is no secret key: it should hold ${KEY_BYTES} bytes in base64, as "openssl rand -base64 ${KEY_BYTES}" makes them`,
  );
}

/** Another process may make it at the same moment, and any may be killed: the name appears with the whole key, or with another's. */
function makeKey(file: string): void {
  // A name that no other process has, also in another container on the same disk, and that nobody can have laid a link at.
  const draft = `${file}.${randomBytes(8).toString('hex')}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(draft, 'wx', 0o600);
    writeSync(handle, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    fsyncSync(handle);
    closeSync(handle);
    linkSync(draft, file);
    flushFolder(dirname(file));
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw new SecretKeyError(
        `the secret key cannot be made in ${file} (${codeOf(error)}): let security.secret_key_file name a place where this user may write`,
      );
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** What was sealed with the key is in the database for good: its name must outlast a power cut too. */
function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
