import type { X509Certificate } from 'node:crypto';
import type { NodeTrust } from '../config/config.js';

/** What the handshake showed of the server, before anything was sent. */
export interface Presented {
  leaf: X509Certificate;
  /** What OpenSSL's check of the chain (and, for a public CA, of the name) found; null when it found nothing wrong. */
  chainFault: string | null;
}

export interface Expected {
  host: string;
  port: number;
  trust: NodeTrust;
  /** The node's name in Proxmox, where it is known: its certificate names it. */
  expectedNode: string | null;
  /** Fingerprints that a trusted member's GET /nodes names. */
  trustedFingerprints: ReadonlySet<string>;
}

const WARN_BEFORE_MS = 30 * 24 * 3_600_000;

/** A SHA-256 fingerprint as 64 upper-case hex digits, whatever colons, spaces or case it came with. */
export function bareFingerprint(text: string): string {
  return text.replace(/[^0-9a-fA-F]/g, '').toUpperCase();
}

/**
 * Null when the presented certificate may be sent the token, else a sentence with cause and mend. Proxmox renews leaves
 * without notice (pveupdate), so a leaf that a trusted member names is accepted beside the pinned one.
 */
export function certificateFault(presented: Presented, expected: Expected): string | null {
  const { trust } = expected;
  if (trust.kind === 'unverified') return null;
  const shown = bareFingerprint(presented.leaf.fingerprint256);
  if (trust.kind === 'fingerprint' && shown === bareFingerprint(trust.sha256)) return null;
  if (trust.kind !== 'public_ca' && isNamed(shown, expected.trustedFingerprints)) return null;
  switch (trust.kind) {
    case 'fingerprint':
      return mismatchSentence(presented.leaf, trust.sha256, expected);
    case 'ca_file':
      return chainSentence(presented, expected, `the CA in ${trust.file}`) ?? nameFault(presented.leaf, expected);
    case 'public_ca':
      return chainSentence(presented, expected, 'a public CA');
  }
}

function isNamed(shown: string, trusted: ReadonlySet<string>): boolean {
  for (const fingerprint of trusted) if (bareFingerprint(fingerprint) === shown) return true;
  return false;
}

function mismatchSentence(leaf: X509Certificate, pinned: string, { host, port }: Expected): string {
  return (
    `${host}:${port} presents a certificate that is not the pinned one: expected ${coloned(pinned)}, ` +
    `presented ${leaf.fingerprint256}. If Proxmox renewed it, run \`proxmox-tracker fingerprint ${host}:${port}\`, ` +
    'compare with `pvenode cert info` on the node, and put it into fingerprint; the token was not sent'
  );
}

function chainSentence(presented: Presented, { host, port }: Expected, anchor: string): string | null {
  if (presented.chainFault === null) return null;
  const mend = presented.chainFault.includes('EXPIRED')
    ? 'renew it with `pvecm updatecerts --force` on the node'
    : `run \`proxmox-tracker fingerprint ${host}:${port}\` to pin it, or name the right CA in ca_file`;
  return (
    `${host}:${port} presents a certificate that ${anchor} does not vouch for (${presented.chainFault}; it is ` +
    `${presented.leaf.fingerprint256}, valid until ${presented.leaf.validTo}): ${mend}; the token was not sent`
  );
}

/** The name check of a leaf that chains to the pinned CA: Proxmox's leaves name the node, and its address (gen_pve_ssl_cert). */
function nameFault(leaf: X509Certificate, { host, port, expectedNode }: Expected): string | null {
  if (leaf.checkIP(host) !== undefined || leaf.checkHost(host) !== undefined) return null;
  if (expectedNode !== null && leaf.checkHost(expectedNode) !== undefined) return null;
  const wanted = expectedNode === null ? host : `${expectedNode} or ${host}`;
  return (
    `${host}:${port} presents a certificate for ${certificateNames(leaf).join(', ') || 'no name'}, not for ${wanted}: ` +
    'set host to one of those names or pin the fingerprint; the token was not sent'
  );
}

/** The DNS names and addresses that a certificate is for. */
export function certificateNames(leaf: X509Certificate): string[] {
  const names = leaf.subjectAltName?.split(/, */) ?? [];
  return names.map((name) => name.replace(/^(DNS|IP Address):/, ''));
}

/** A warning when the certificate ends within 30 days or has ended, else null. Proxmox renews its own 14 days before. */
export function expiryWarning(leaf: X509Certificate, place: string, now: number): string | null {
  const leftMs = Date.parse(leaf.validTo) - now;
  if (leftMs > WARN_BEFORE_MS) return null;
  const when = leftMs < 0 ? 'expired on' : 'expires on';
  return `the certificate of ${place} ${when} ${leaf.validTo}: renew it on the node (\`pvecm updatecerts\`, or its ACME account), then pin anew`;
}

function coloned(fingerprint: string): string {
  return bareFingerprint(fingerprint).replace(/(..)(?=.)/g, '$1:');
}
