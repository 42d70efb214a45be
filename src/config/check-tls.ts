import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ConfigError } from './config-error.js';
import type { ServerConfig } from './config.js';
import { readNamed } from './files.js';

/** Throws a ConfigError unless the certificate and the key can be read and belong together; both absent is fine. Only what listens needs them. */
export function checkTls({ cert, key }: ServerConfig['tls']): void {
  if (cert === null || key === null) return;
  const pair = { cert: readNamed('server.tls.cert', cert, '/'), key: readNamed('server.tls.key', key, '/') };
  try {
    // A secure context of an empty text is made without complaint, and no visitor can then speak to it.
    new X509Certificate(pair.cert);
    createSecureContext({ cert: pair.cert });
  } catch {
    throw new ConfigError(
      `server.tls.cert names ${cert}, which is no certificate in PEM: name the certificate with its chain`,
    );
  }
  try {
    createPrivateKey(pair.key);
    createSecureContext(pair);
  } catch {
    throw new ConfigError(
      `server.tls.key names ${key}, which is not the key (PEM) of server.tls.cert: name the one it was made with`,
    );
  }
}
