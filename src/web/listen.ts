import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { networkInterfaces } from 'node:os';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServerConfig } from '../config/config.js';
import type { Log } from '../log.js';
import { securityHeaders } from './envelope.js';
import { ServedPair, type PairFiles } from './served-pair.js';

export interface Listener {
  url: string;
  port: number;
  /** Serves what server.tls names, where the files have changed; done by itself every half minute. */
  refreshCertificate(): void;
  /** Takes no more requests, lets those underway finish for five seconds, then cuts them. */
  close(): Promise<void>;
}

const CLOSE_MS = 5000;
const SWEEP_MS = 50;
const REFRESH_MS = 30_000;

/** Listens as server.host, server.port and server.tls say; rejects with a sentence where that cannot be. */
export async function listen(config: ServerConfig, answer: RequestListener, log: Log): Promise<Listener> {
  const { cert, key } = config.tls;
  const files = cert !== null && key !== null ? { cert, key } : null;
  const { server, refresh } =
    files === null ? { server: createServer(answer), refresh: () => {} } : secure(files, answer, log);
  bound(server);
  const port = await listening(server, config.host, config.port);
  const scheme = files === null ? 'http' : 'https';
  const url = config.publicUrl ?? `${scheme}://${reachable(config.host)}:${port}`;
  const servers = [server];
  if (files !== null && config.redirectHttpPort !== null) {
    const redirect = createServer(redirectTo(config.publicUrl, port));
    bound(redirect);
    try {
      await listening(redirect, config.host, config.redirectHttpPort);
    } catch (error) {
      await closed(server);
      throw error;
    }
    servers.push(redirect);
  }
  const timer = setInterval(refresh, REFRESH_MS).unref();
  const close = async (): Promise<void> => {
    clearInterval(timer);
    await Promise.all(servers.map(closed));
  };
  return { url, port, refreshCertificate: refresh, close };
}

/** A server over TLS, and what makes it follow its certificate's files. */
function secure(files: PairFiles, answer: RequestListener, log: Log): { server: Server; refresh: () => void } {
  const pair = new ServedPair(files, log);
  const server = createTlsServer(pair.options, answer);
  return { server, refresh: () => pair.refresh((options) => server.setSecureContext(options)) };
}

/** Every stage of a request has its time, and what cannot be read is answered and cut. */
function bound(server: Server): void {
  server.headersTimeout = 15_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  server.timeout = 300_000;
  server.maxHeadersCount = 100;
  server.on('clientError', answerUnreadable);
}

const UNREADABLE: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };

function answerUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = UNREADABLE[error.code ?? ''] ?? 400;
  const body = JSON.stringify({ detail: 'The request is no HTTP that can be read here.' });
  const headers = { ...securityHeaders, 'Content-Type': 'application/json; charset=utf-8', Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, ...lines, `Content-Length: ${body.length}`];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
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
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value);
    const path = /^\/[^/\\]/.test(request.url ?? '') ? request.url : '/';
    if (base === null) response.writeHead(400).end();
    else response.writeHead(308, { Location: `${base}${path}` }).end();
  };
}

async function closed(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
  // A connection whose last request has been answered is kept alive for another, which will not come.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
  clearTimeout(cut);
  clearInterval(sweep);
}
