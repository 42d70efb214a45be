import type { X509Certificate } from 'node:crypto';
import type { NodeTrust } from '../config/config.js';
import { bareFingerprint, certificateNames } from '../proxmox/trust.js';

/** Null when the manager's certificate may be sent the key, else a sentence with cause and mend. */
export function managerFault(
  leaf: X509Certificate,
  chainFault: string | null,
  { url, trust }: { url: string; trust: NodeTrust },
): string | null {
  const { host, hostname } = new URL(url);
  switch (trust.kind) {
    case 'unverified':
      return null;
    case 'fingerprint': {
      if (bareFingerprint(leaf.fingerprint256) === bareFingerprint(trust.sha256)) return null;
      return (
        `${host} presents a certificate that is not the pinned one: it is ${leaf.fingerprint256}. If the manager's was renewed, ` +
        'compare that on the manager and put it into manager.fingerprint; the key was not sent'
      );
    }
    case 'ca_file':
    case 'public_ca': {
      if (chainFault !== null) {
        const anchor = trust.kind === 'ca_file' ? `the CA in ${trust.file}` : 'a public CA';
        return (
          `${host} presents a certificate that ${anchor} does not vouch for (${chainFault}; it is ${leaf.fingerprint256}): ` +
          'pin it by manager.fingerprint, or name its CA in manager.ca_file; the key was not sent'
        );
      }
      return trust.kind === 'ca_file' ? nameFault(leaf, host, hostname) : null;
    }
  }
}

/** With a public CA the handshake itself has compared the names. */
function nameFault(leaf: X509Certificate, place: string, hostname: string): string | null {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (leaf.checkIP(host) !== undefined || leaf.checkHost(host) !== undefined) return null;
  return (
    `${place} presents a certificate for ${certificateNames(leaf).join(', ') || 'no name'}, not for ${host}: ` +
    'write one of those names in manager.url, or pin it by manager.fingerprint; the key was not sent'
  );
}
