import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { networkInterfaces } from 'node:os';
import type { AddressInfo, Socket } from 'node:net';
import type { ServerConfig } from '../config/config.js';
import type { Log } from '../log.js';
import { bindServer, bounded, boundedOptions, PATIENCE, type Patience } from './bounds.js';
import { securityHeadersFor } from './envelope.js';
import { ServedPair, type PairFiles } from './served-pair.js';

export interface Listener {
  url: string;
  port: number;
  /** Serves what server.tls names, where the files have changed; done by itself every half minute. */
  refreshCertificate(): void;
  /** Takes no more requests, lets those underway finish for five seconds, then cuts every connection. */
  close(): Promise<void>;
}

const SWEEP_MS = 50;
const REFRESH_MS = 30_000;

/** Listens as server.host, server.port and server.tls say; rejects with a sentence where that cannot be. */
export async function listen(
  config: ServerConfig,
  answer: RequestListener,
  log: Log,
  patience: Patience = PATIENCE,
): Promise<Listener> {
  const { cert, key } = config.tls;
  const options = boundedOptions(patience);
  const files = cert !== null && key !== null ? { cert, key } : null;
  const { server, refresh } =
    files === null
      ? { server: createServer(options, bounded(answer)), refresh: () => {} }
      : secure(files, { ...options, handshakeTimeout: patience.handshakeMs }, bounded(answer), log);
  const main: Bound = { server, open: bindServer(server) };
  const bound = [main];
  const port = await listening(server, config.host, config.port);
  const scheme = files === null ? 'http' : 'https';
  const url = config.publicUrl ?? `${scheme}://${reachable(config.host)}:${port}`;
  if (files !== null && config.redirectHttpPort !== null) {
    const redirect = createServer(options, bounded(redirectTo(config.publicUrl, port)));
    bound.push({ server: redirect, open: bindServer(redirect) });
    try {
      await listening(redirect, config.host, config.redirectHttpPort);
    } catch (error) {
      await closed(main, patience.closeMs);
      throw error;
    }
  }
  const timer = setInterval(refresh, REFRESH_MS).unref();
  const close = async (): Promise<void> => {
    clearInterval(timer);
    await Promise.all(bound.map((one) => closed(one, patience.closeMs)));
  };
  return { url, port, refreshCertificate: refresh, close };
}

/** A server over TLS, and what makes it follow its certificate's files. */
function secure(
  files: PairFiles,
  options: ServerOptions & { handshakeTimeout: number },
  answer: RequestListener,
  log: Log,
): { server: Server; refresh: () => void } {
  const pair = new ServedPair(files, log);
  const server = createTlsServer({ ...options, ...pair.options }, answer);
  return { server, refresh: () => pair.refresh((options) => server.setSecureContext(options)) };
}

function listening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const fault = error.code === 'EADDRINUSE' ? 'another program has that port; choose another one' : error.message;
      reject(new Error(`cannot listen on ${host}:${port}: ${fault}`));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** A host that a person can open: of all addresses the first that others reach. */
function reachable(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host.includes(':') ? `[${host}]` : host;
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.find((address) => address.family === 'IPv4' && !address.internal)?.address ?? '127.0.0.1';
}

function redirectTo(publicUrl: string | null, tlsPort: number): RequestListener {
  // A public address without TLS may be this very port.
  const fixed = publicUrl !== null && /^https:/i.test(publicUrl) ? publicUrl.replace(/\/+$/, '') : null;
  return (request, response) => {
    const host = /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.exec(request.headers.host ?? '')?.[1];
    const base = fixed ?? (host === undefined ? null : `https://${host}:${tlsPort}`);
    for (const [name, value] of Object.entries(securityHeadersFor(false))) response.setHeader(name, value);
    const path = /^\/[^/\\]/.test(request.url ?? '') ? request.url : '/';
    if (base === null) response.writeHead(400).end();
    else response.writeHead(308, { Location: `${base}${path}` }).end();
  };
}

interface Bound {
  server: Server;
  open: ReadonlySet<Socket>;
}

async function closed({ server, open }: Bound, closeMs: number): Promise<void> {
  const cut = setTimeout(() => open.forEach((socket) => socket.destroy()), closeMs);
  // A connection whose last request has been answered is kept alive for another, which will not come.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cut);
  clearInterval(sweep);
}
