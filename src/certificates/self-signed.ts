import { algorithm, alternativeNames, fingerprintOf, keyPemOf, newKeys } from './key-pair.js';
import * as x509 from '@peculiar/x509';
import { randomBytes } from 'node:crypto';

const dayMs = 86_400_000;
/** Some browsers take no server certificate of more than 825 days, whoever signed it. */
const validDays = 730;
/** X.520 bounds a common name; the alternative names are what counts. */
const commonNameLength = 64;

/** A certificate that vouches for itself, with its key: PEM both. */
export interface SelfSigned {
  pem: string;
  keyPem: string;
  /** SHA-256, upper case, with colons. */
  fingerprint: string;
  notAfterAt: number;
}

/** A server's certificate for these names and addresses, signed by itself and valid for two years from `now`. */
export async function newSelfSigned(names: readonly string[], now: number): Promise<SelfSigned> {
  const keys = await newKeys();
  // A clock that is a little behind ours must find it valid already.
  const [notBefore, notAfter] = [new Date(now - dayMs), new Date(now + validDays * dayMs)];
  const common = names.find((name) => name.length <= commonNameLength) ?? 'proxmox-tracker';
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // Positive and never twice the same: browsers refuse two certificates of one issuer and number.
    serialNumber: `4${randomBytes(16).toString('hex').slice(1)}`,
    name: [{ CN: [common] }, { O: ['proxmox-tracker'] }],
    notBefore,
    notAfter,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      alternativeNames(names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const fingerprint = fingerprintOf(Buffer.from(certificate.rawData));
  const notAfterAt = Math.floor(notAfter.getTime() / 1000) * 1000;
  return { pem: `${certificate.toString('pem')}\n`, keyPem: await keyPemOf(keys), fingerprint, notAfterAt };
}
