import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { ProxmoxError } from './errors.js';
import { failureOf, placeOf } from './failure.js';
import { certificateNames } from './trust.js';

export interface PresentedCertificate {
  /** Upper-case hex with colons, as Proxmox writes it. */
  sha256: string;
  subject: string;
  issuer: string;
  /** ISO 8601, UTC. */
  validTo: string;
  names: string[];
}

/** The certificate that a server presents, unverified; nothing is sent to it. Throws ProxmoxError. */
export async function fetchFingerprint(host: string, port: number, timeoutMs: number): Promise<PresentedCertificate> {
  const place = placeOf({ host, port });
  try {
    const leaf = await presentedLeaf(host, port, timeoutMs, place);
    return {
      sha256: leaf.fingerprint256,
      subject: leaf.subject.replaceAll('\n', ', '),
      issuer: leaf.issuer.replaceAll('\n', ', '),
      validTo: new Date(Date.parse(leaf.validTo)).toISOString(),
      names: certificateNames(leaf),
    };
  } catch (error) {
    throw failureOf(error, place);
  }
}

function presentedLeaf(host: string, port: number, timeoutMs: number, place: string): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    // A name is told to the server, which may have several certificates; an address must not be.
    const servername = isIP(host) === 0 ? host : '';
    const socket = tls.connect({ host, port, servername, rejectUnauthorized: false });
    const timer = setTimeout(() => {
      socket.destroy(
        new ProxmoxError('timeout', `${place} showed no certificate in time: is the host up, and is 8006 its port?`),
      );
    }, timeoutMs);
    socket.once('secureConnect', () => {
      const leaf = socket.getPeerX509Certificate();
      if (leaf === undefined) reject(new ProxmoxError('tls', `${place} presented no certificate`));
      else resolve(leaf);
      socket.destroy();
    });
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
  });
}
