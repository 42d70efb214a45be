import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { ConfigError, fieldError } from './config-error.js';
import type { NodeTrust } from './config.js';
import type { FileNode } from './file.js';
import { readNamed } from './files.js';

/** What an entry says of the server to trust. */
export type TrustKeys = Pick<FileNode, 'host' | 'port' | 'fingerprint' | 'ca_file' | 'verify_ssl'>;

/** How a server is trusted before a secret is sent: exactly one of fingerprint, ca_file and verify_ssl says it. */
export function trustOf(entry: TrustKeys, key: string, folder: string, caName = '/etc/pve/pve-root-ca.pem'): NodeTrust {
  const set = (['fingerprint', 'ca_file', 'verify_ssl'] as const).filter((name) => (entry[name] ?? null) !== null);
  if (set.length > 1)
    throw new ConfigError(`${key} has both ${set[0]} and ${set[1]}: keep the one by which to trust it`);
  if (typeof entry.fingerprint === 'string') {
    return { kind: 'fingerprint', sha256: fingerprintOf(entry.fingerprint, key) };
  }
  if (typeof entry.ca_file === 'string') {
    return {
      kind: 'ca_file',
      file: resolve(folder, entry.ca_file),
      pem: caOf(entry.ca_file, `${key}.ca_file`, folder, caName),
    };
  }
  if (typeof entry.verify_ssl === 'boolean') return { kind: entry.verify_ssl ? 'public_ca' : 'unverified' };
  throw new ConfigError(
    `${key} does not say how to trust ${entry.host}: set fingerprint to what ` +
      `"proxmox-tracker fingerprint ${entry.host}:${entry.port}" prints, or set ca_file or verify_ssl`,
  );
}

/** A SHA-256 fingerprint as Node prints it: upper case, colons between. Throws for what is none. */
export function fingerprintOf(written: string, key: string): string {
  const digits = written
    .trim()
    .replace(/^sha-?256[:= ]\s*/i, '')
    .replaceAll(':', '')
    .toUpperCase();
  if (/^[0-9A-F]{64}$/.test(digits)) return digits.replace(/(..)(?!$)/g, '$1:');
  if (/^[0-9A-F]{40}$/.test(digits)) {
    const mend = 'write the SHA-256 one, as "proxmox-tracker fingerprint" prints it';
    throw fieldError(key, 'fingerprint', `is a SHA-1 fingerprint: ${mend}`);
  }
  const mend = 'write 64 hexadecimal digits in quotes, with or without colons';
  throw fieldError(key, 'fingerprint', `is not a SHA-256 fingerprint: ${mend}`);
}

function caOf(file: string, key: string, folder: string, caName: string): string {
  const pem = readNamed(key, file, folder);
  switch (kindOfPem(pem)) {
    case 'ca':
      return pem;
    case 'private_key':
      throw new ConfigError(`${key} names a file with a private key: name the CA's certificate alone`);
    case 'server':
      throw new ConfigError(
        `${key} names the certificate of a server, not of a CA: copy ${caName} there, or use fingerprint`,
      );
    case 'none':
      throw new ConfigError(`${key} names a file that is no certificate in PEM: copy ${caName} there`);
  }
}

/** What a text in PEM holds: the certificate of a CA or of a server, a private key, or none of these. */
export function kindOfPem(pem: string): 'ca' | 'server' | 'private_key' | 'none' {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) return 'private_key';
  try {
    return new X509Certificate(pem).ca ? 'ca' : 'server';
  } catch {
    return 'none';
  }
}
