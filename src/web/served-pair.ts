import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Log } from '../log.js';

/** Where certificate and key lie, both PEM. */
export interface PairFiles {
  cert: string;
  key: string;
}

/** What the listener is made with, and given anew when the files have changed. */
export type ServedOptions = Pick<SecureContextOptions, 'cert' | 'key' | 'minVersion'>;

interface Pair {
  cert: string;
  key: string;
}

/** The certificate and key that are served, followed as their files change: whoever renews them restarts nothing. */
export class ServedPair {
  private served: Pair;
  /** What keeps the files from being served; told once. */
  private fault: string | null = null;

  /** Reads the pair that is served first; throws where it cannot be read. */
  constructor(
    private readonly files: PairFiles,
    private readonly log: Pick<Log, 'info' | 'warn'>,
  ) {
    this.served = readPair(files);
  }

  /** The options that the pair is served by. */
  get options(): ServedOptions {
    return { ...this.served, minVersion: 'TLSv1.2' };
  }

  /** Hands a pair that has changed and can be used to `serve`; of one that cannot, the log hears once, and the former stays. */
  refresh(serve: (options: ServedOptions) => void): void {
    try {
      const pair = readPair(this.files);
      const isServed = pair.cert === this.served.cert && pair.key === this.served.key;
      if (!isServed) this.take(pair, serve);
      this.fault = null;
    } catch (error) {
      this.complain(error instanceof Error ? error.message : String(error));
    }
  }

  private take(pair: Pair, serve: (options: ServedOptions) => void): void {
    const { validTo, fingerprint256 } = checkPair(pair);
    this.served = pair;
    serve(this.options);
    this.log.info('the certificate was renewed', { cert: this.files.cert, valid_to: validTo, sha256: fingerprint256 });
  }

  private complain(fault: string): void {
    if (fault === this.fault) return;
    this.fault = fault;
    this.log.warn('server.tls has changed and cannot be used: the former certificate is served on', {
      ...this.files,
      fault,
    });
  }
}

function readPair({ cert, key }: PairFiles): Pair {
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

/** Throws unless the pair can be served. A file that is just being written may be empty, which a secure context would take. */
function checkPair(pair: Pair): X509Certificate {
  const certificate = new X509Certificate(pair.cert);
  if (!certificate.checkPrivateKey(createPrivateKey(pair.key)))
    throw new Error('the key is not that of the certificate');
  createSecureContext(pair);
  return certificate;
}
