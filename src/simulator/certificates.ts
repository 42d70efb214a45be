import { algorithm, alternativeNames, fingerprintOf, keyPemOf, newKeys } from '../certificates/key-pair.js';
import * as x509 from '@peculiar/x509';
import type { webcrypto } from 'node:crypto';

const dayMs = 86_400_000;

/** A cluster's root CA, able to sign. */
export interface Authority {
  pem: string;
  certificate: x509.X509Certificate;
  keys: webcrypto.CryptoKeyPair;
}

/** A node's server certificate with its key. */
export interface Leaf {
  pem: string;
  keyPem: string;
  /** SHA-256, upper case, with colons. */
  fingerprint: string;
  notBeforeAt: number;
  notAfterAt: number;
  sans: string[];
}

/** A new root CA, valid for ten years from `now`. */
export async function newAuthority(cluster: string, now: number): Promise<Authority> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=Proxmox Virtual Environment, OU=${cluster}, O=PVE Cluster Manager CA`,
    notBefore: new Date(now - dayMs),
    notAfter: new Date(now + 3650 * dayMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { pem: certificate.toString('pem'), certificate, keys };
}

/** A node's certificate with the names that Proxmox gives it (proxmox-api.md 6), valid for two years from `now`. */
export async function newLeaf(authority: Authority, node: string, serial: number, now: number): Promise<Leaf> {
  const keys = await newKeys();
  const sans = ['127.0.0.1', '::1', 'localhost', node, `${node}.lab.example`];
  const [notBeforeAt, notAfterAt] = [now - dayMs, now + 729 * dayMs];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial.toString(16).padStart(4, '0'),
    subject: `CN=${node}.lab.example, OU=PVE Cluster Node, O=Proxmox Virtual Environment`,
    issuer: authority.certificate.subject,
    notBefore: new Date(notBeforeAt),
    notAfter: new Date(notAfterAt),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      alternativeNames(sans),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
    ],
  });
  const keyPem = await keyPemOf(keys);
  const fingerprint = fingerprintOf(Buffer.from(certificate.rawData));
  return { pem: certificate.toString('pem'), keyPem, fingerprint, notBeforeAt, notAfterAt, sans };
}

/** The row of a certificate in /nodes/{node}/certificates/info. */
export function certificateRow(filename: string, pem: string, sans: string[]): Record<string, unknown> {
  const certificate = new x509.X509Certificate(pem);
  return {
    filename,
    fingerprint: fingerprintOf(Buffer.from(certificate.rawData)),
    subject: slashed(certificate.subject),
    issuer: slashed(certificate.issuer),
    notbefore: Math.floor(certificate.notBefore.getTime() / 1000),
    notafter: Math.floor(certificate.notAfter.getTime() / 1000),
    pem,
    'public-key-type': 'id-ecPublicKey',
    'public-key-bits': 256,
    san: sans,
  };
}

function slashed(name: string): string {
  return name
    .split(', ')
    .map((part) => `/${part}`)
    .reverse()
    .join('');
}
