import type * as Library from '@peculiar/x509';
import { X509Certificate as NodeCertificate, type webcrypto } from 'node:crypto';

/** A certificate and its key as PEM, with its fingerprint as Proxmox writes it. */
export interface Issued {
  cert: string;
  key: string;
  sha256: string;
}

export interface Authority extends Issued {
  issue(names: CertificateNames): Promise<Issued>;
}

export interface CertificateNames {
  commonName: string;
  dns?: string[];
  ip?: string[];
  validTo?: number;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const YEAR_MS = 365 * 24 * 3_600_000;
/** Fixed, so that certificates need no clock; far enough ahead that a test's real clock is before it. */
const FAR = Date.UTC(2095, 0, 1);

type X509 = typeof Library;
let library: Promise<X509> | null = null;

/** @peculiar/x509 wants the metadata part of Reflect, of which its container uses these three. */
function loadX509(): Promise<X509> {
  const stored = new WeakMap<object, Map<unknown, unknown>>();
  const own = (key: unknown, target: object): unknown => stored.get(target)?.get(key);
  if (!('getMetadata' in Reflect)) {
    Object.assign(Reflect, {
      getOwnMetadata: own,
      getMetadata: own,
      defineMetadata: (key: unknown, value: unknown, target: object) => {
        const known = stored.get(target) ?? new Map<unknown, unknown>();
        stored.set(target, known.set(key, value));
      },
    });
  }
  return import('@peculiar/x509');
}

/** A CA like pve-root-ca.pem, which issues leaves like pve-ssl.pem. */
export async function createAuthority(commonName = 'Proxmox Virtual Environment'): Promise<Authority> {
  library ??= loadX509();
  const x509 = await library;
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${commonName}`,
    notBefore: new Date(FAR - 90 * YEAR_MS),
    notAfter: new Date(FAR),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 2, true)],
  });
  let serial = 1;
  const issue = async (names: CertificateNames): Promise<Issued> => {
    serial += 1;
    const leafKeys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const alternatives = [
      ...(names.dns ?? []).map((value) => ({ type: 'dns' as const, value })),
      ...(names.ip ?? []).map((value) => ({ type: 'ip' as const, value })),
    ];
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(4, '0'),
      subject: `CN=${names.commonName}`,
      issuer: root.subject,
      notBefore: new Date(FAR - 90 * YEAR_MS),
      notAfter: new Date(names.validTo ?? FAR),
      signingKey: keys.privateKey,
      publicKey: leafKeys.publicKey,
      signingAlgorithm: ALGORITHM,
      extensions: alternatives.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)],
    });
    return issuedOf(leaf.toString('pem'), leafKeys.privateKey);
  };
  return { ...(await issuedOf(root.toString('pem'), keys.privateKey)), issue };
}

async function issuedOf(cert: string, privateKey: webcrypto.CryptoKey): Promise<Issued> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey)).toString('base64');
  const key = `-----BEGIN PRIVATE KEY-----\n${der.replace(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`;
  return { cert, key, sha256: new NodeCertificate(cert).fingerprint256 };
}
